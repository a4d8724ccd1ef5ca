// Package clickhouse keeps traces in ClickHouse, for package trace: loads, block inserts, deletions. It decides nothing.
//
// An engine that restarts leaves a dead connection behind; every request makes a new one if there is none. An insert
// is asked once: whether one that failed is there is unknown, and the caller knows what to do then.
package clickhouse
