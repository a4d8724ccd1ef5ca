// Package spool reads and ships the folders in which the Python library keeps what trainings log (docs/spool.md).
//
//	folder: 000001.seg, ... -> Segment -> Contents -> frame -> Courier -> Transport
//	                                                              |
//	                                                            ledger: which frames were cut, which are acknowledged
//
// The bytes of a frame depend on nothing but the records between two positions, and are those that the Python library
// makes of them: whoever goes on with a folder sends the same frame under the same name. At each failure:
//
//   - the process is killed before a frame is sent: its end is in the ledger, and the next one sends it;
//   - after it was sent, before that is noted: the next one sends it again, and the server drops the repeat;
//   - a record is torn: reading ends before it, and what stands before it is sent;
//   - a segment or the ledger is damaged: nothing more of the folder is sent, nothing of it is deleted, and the error
//     names the file.
package spool
