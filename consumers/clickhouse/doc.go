// Package clickhouse writes batches of frames and lots of documents with ch-go.
//
// An insert has no time limit on our side: the engine may stand still for long and go on. What ends an insert
// is an answer, a broken connection, or the end of its context. After any error the connection is given up and
// the next request dials anew.
package clickhouse
