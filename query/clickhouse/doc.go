// Package clickhouse reads ClickHouse for the query side: the statements lie beside it in sql/*.sql and run
// by hand once their {parameters} are filled in. It decides nothing: which rows a reader may see (watermarks,
// ids to leave out) comes in as parameters.
//
//	Store -> a few connections of the native protocol, made when needed
//	      -> the HTTP port, as the read-only user, for a user's own SQL
//
// An engine that restarts leaves dead connections behind: a statement that fails on a connection that was
// used before is asked once more on a new one. An engine that does not answer at all is track's
// TemporarilyUnavailable, so that clients come back.
package clickhouse
