// Package transfer is what an export and its import share: the manifest of an export's folder, and how a server is asked.
//
//	export (package outgoing): documents -> tables; positions -> slices of points -> tables, each as ClickHouse writes it
//	import (package incoming): check sums -> check documents and points -> place documents -> send frames -> compare
//
// An export is a folder of Parquet files and a manifest, which is written last: a folder without one is not whole. All goes
// over the server's HTTP API, so a remote server is exported as well as that of this machine, and a token sees what it may.
//
// Of one moment is what a position of the bus says: first the documents are read, then the position of every lane, and of
// points, values and lines only those at or below it. So every run is at least as its document tells, and everything that
// was acknowledged before the export began is in it.
package transfer
