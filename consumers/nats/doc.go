// Package nats reads logs of JetStream and keeps leases in the documents' stream.
//
// A source is a consumer without acknowledgements, kept in the server's memory: where to start is said by
// who reads, so the server has nothing to remember. When the connection, the consumer or the whole server
// goes away, the source makes a new consumer that starts at the next sequence.
package nats
