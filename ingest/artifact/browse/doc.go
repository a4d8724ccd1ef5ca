// Package browse serves artifacts to the web page: a whole folder as one file, and a document inside of a frame.
//
//	GET /v1/artifacts/archive -> list (all names, bounded) -> zip, written while it is read
//	GET /v1/artifacts/page    -> a file with the headers that keep it from acting on this server
//
// What a training has written is not trusted. A document gets an origin of its own, may run its scripts, and reaches
// nothing: no request, no form, no address of this server or of another.
package browse
