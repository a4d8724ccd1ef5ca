// Package vault keeps access tokens as documents, so that every process that reads the documents' stream knows
// them, and a revoked one is refused everywhere within milliseconds.
//
//	create, revoke -> journal -> acknowledged -> Keyring
//	another process's -> documents' stream -> ObserveDocuments -> Keyring
//
// A document holds the hash of a token, never the token. Uses are counted in memory; a document learns of them at
// most once an hour. A revoked token's document stays, for keys of the stream are never removed.
package vault
