// Package store is the contract of what keeps artifacts: a folder, or a bucket of an object store. Paths are
// cleaned before they reach a store (Clean), and errors are MLflow's by the time they leave it (Fault).
//
// Every store streams. What only object stores can do, hand a client a signed URL so that the bytes go past this
// server, stands apart: Signer and Multipart are nil where a store cannot.
package store

import (
	"context"
	"io"
	"time"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// PageMax bounds one page of a listing in memory.
const PageMax = 100_000

// Store keeps files under cleaned paths. Its methods may be called at once by many; of two uploads to one path
// the one that ends last counts.
type Store interface {
	// Put stores what r has until its end, whole or not at all. length is how much that must be, negative if
	// it is not known.
	Put(ctx context.Context, p string, r io.Reader, length int64) error
	// Stat describes a file.
	Stat(ctx context.Context, p string) (Info, error)
	// Get opens a file from an offset on, for length bytes, negative for all; the caller closes it.
	Get(ctx context.Context, p string, offset, length int64) (io.ReadCloser, Info, error)
	// List lists one folder by name, from a page on ("" is the first), and names the next page, "" after the last.
	// A folder that is not there is empty.
	List(ctx context.Context, p, page string) (files []File, next string, err error)
	// Delete removes a file or a folder. What is not there is removed already.
	Delete(ctx context.Context, p string) error
	// Below finds the path of a location that is this store's own address or lies below it.
	Below(location string) (p string, ok bool)
	// Signer and Multipart are nil if the store cannot.
	Signer() Signer
	Multipart() Multipart
	// Close ends the store; uploads under way fail.
	Close() error
}

// Info is what a download tells of a file.
type Info struct {
	Size     int64
	Modified time.Time
}

// File is an entry of a listing.
type File struct {
	Name  string
	IsDir bool
	Size  int64
}

// Signed is an address that needs no further right until it expires, and the headers that must go with it.
type Signed struct {
	URL     string
	Headers map[string]string
}

// Signer signs addresses of single files.
type Signer interface {
	// SignGet signs a download; disposition is the Content-Disposition that its answer shall have.
	SignGet(ctx context.Context, p, disposition string, valid time.Duration) (Signed, error)
	// SignPut signs an upload of a whole file of a media type.
	SignPut(ctx context.Context, p, mediaType string, valid time.Duration) (Signed, error)
}

// PartsMax is the greatest number of parts of an upload: S3's.
const PartsMax = 10_000

// Part is a part that was uploaded, as the store answered it.
type Part struct {
	Number int32
	ETag   string
}

// Multipart takes a file in parts that clients upload to signed addresses.
type Multipart interface {
	// Begin gives the upload's id and the address of every part.
	Begin(ctx context.Context, p, mediaType string, parts int) (id string, urls []string, err error)
	Complete(ctx context.Context, p, id string, parts []Part) error
	Abort(ctx context.Context, p, id string) error
}

// IsDirectory is the answer to a file's request that names a folder.
func IsDirectory(p string) error {
	return track.Errorf(track.InvalidParameterValue, "Artifact path refers to a directory, not a file: '%s'", p)
}

// Missing is the answer to a request for a file that is not there.
func Missing(p string) error {
	return track.Errorf(track.ResourceDoesNotExist, "No such artifact: '%s'", p)
}

// InvalidPage is the answer to a page token that this server has not given.
func InvalidPage(token string) error {
	return track.Errorf(track.InvalidParameterValue, "Invalid page token: '%s'; take it from next_page_token of the answer before", token)
}
