// Package kafka reads lanes that travel on a topic of Kafka: partition n is lane n, the sequence of a frame is its
// offset plus one.
//
// There is no consumer group: who owns a lane is said by its lease, and where it starts by ClickHouse, as with every
// lane. The brokers are only asked for records from an offset on. Producers that repeat a frame after a lost answer
// store it twice; the consumer's writer ranges drop the second, as on NATS.
package kafka
