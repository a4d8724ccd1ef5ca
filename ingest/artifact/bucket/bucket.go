// Package bucket keeps artifacts in an object store: S3 and what speaks it, Google Cloud Storage, Azure Blob
// Storage, by way of gocloud.dev/blob.
//
// An object's key is the artifact's path below the store's own prefix, as MLflow's server writes it, so a bucket that
// MLflow has filled can be served, and the other way round. There are no folders: one is there while a file
// lies below it.
//
// Uploads go on in parts of bounded size and are seen whole or not at all. What a crash leaves of one that was under
// way is no object; a lifecycle rule of the bucket removes it.
package bucket

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/streamgauge/streamgauge/ingest/artifact/media"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

const (
	// partBytesMin is the size of the parts in which the server passes an upload on. With uploadParts and one that is
	// being filled it is the memory of an upload.
	partBytesMin = 8 << 20
	// partBytesUnknown is the same where the length is not told: S3 takes 10,000 parts, so 160 GB.
	partBytesUnknown = 16 << 20
	// uploadParts is how many parts of an upload are on their way at once.
	uploadParts = 2
	// deletesAtOnce is how many objects of a folder are deleted at once.
	deletesAtOnce = 8
	// listPage is what a request to a store answers: S3's limit.
	listPage = 1000
)

// Bucket is a store.Store.
type Bucket struct {
	bucket *blob.Bucket
	// prefix is before every key, "" or with a slash at its end.
	prefix string
	// address is what the store is called without its options.
	address   string
	signer    store.Signer
	multipart store.Multipart
}

var _ store.Store = (*Bucket)(nil)

// Close ends the store.
func (b *Bucket) Close() error { return b.bucket.Close() }

// Signer is nil if the credentials cannot sign.
func (b *Bucket) Signer() store.Signer { return b.signer }

// Multipart is nil if the store cannot take parts from clients.
func (b *Bucket) Multipart() store.Multipart { return b.multipart }

// Below finds paths of locations that a client without this server would use.
func (b *Bucket) Below(location string) (string, bool) {
	rest, below := strings.CutPrefix(location, b.address)
	if !below || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.Trim(rest, "/"), true
}

// key is where a path lies. What gocloud.dev would write otherwise than it is, is refused: others could not find
// it.
func (b *Bucket) key(p string) (string, error) {
	if strings.Contains(p, "__0x") || strings.IndexFunc(p, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0 {
		return "", store.InvalidPath()
	}
	for name := range strings.SplitSeq(p, "/") {
		if strings.HasSuffix(name, "..") {
			return "", store.InvalidPath()
		}
	}
	return b.prefix + p, nil
}

// Put stores a file.
func (b *Bucket) Put(ctx context.Context, p string, r io.Reader, length int64) error {
	k, err := b.key(p)
	if err == nil && p == "" {
		err = store.InvalidPath()
	}
	if err != nil {
		return err
	}
	body := &counted{r: r, length: length}
	err = b.upload(ctx, k, body, &blob.WriterOptions{
		ContentType: media.Type(p), BufferSize: partBytes(length), MaxConcurrency: uploadParts,
	})
	if err != nil {
		// The store's libraries wrap what the reader said, not all in a way that can be undone.
		return store.Fault("store", p, errors.Join(body.err, err))
	}
	return nil
}

// upload sends a file on. A small one is read first: for a reader the libraries take the memory of a whole part,
// for bytes none.
func (b *Bucket) upload(ctx context.Context, k string, body *counted, o *blob.WriterOptions) error {
	if body.length < 0 || body.length > partBytesMin {
		return b.bucket.Upload(ctx, k, body, o)
	}
	small, err := io.ReadAll(io.LimitReader(body, body.length+1))
	if err != nil {
		return err
	}
	return b.bucket.Upload(ctx, k, bytes.NewReader(small), o)
}

func partBytes(length int64) int {
	if length < 0 {
		return partBytesUnknown
	}
	return int(max(partBytesMin, length/(store.PartsMax-1)))
}

// counted fails at the end of what is shorter than it should be, so that the store drops it. Its errors are none of
// io's: the stores' libraries take io.ErrUnexpectedEOF for the end of the last part.
type counted struct {
	r      io.Reader
	length int64
	came   int64
	err    error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.came += int64(n)
	if errors.Is(err, io.EOF) && c.length >= 0 && c.came != c.length {
		err = store.Broken(c.came, c.length)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
		return n, fmt.Errorf("read the upload: %v", err)
	}
	return n, err
}

// Stat describes a file.
func (b *Bucket) Stat(ctx context.Context, p string) (store.Info, error) {
	k, err := b.key(p)
	if err != nil {
		return store.Info{}, err
	}
	if p == "" {
		return store.Info{}, store.IsDirectory(p)
	}
	a, err := b.bucket.Attributes(ctx, k)
	if err != nil {
		return store.Info{}, b.missing(ctx, "find", p, err)
	}
	return store.Info{Size: a.Size, Modified: a.ModTime}, nil
}

// Get opens a file.
func (b *Bucket) Get(ctx context.Context, p string, offset, length int64) (io.ReadCloser, store.Info, error) {
	k, err := b.key(p)
	if err != nil {
		return nil, store.Info{}, err
	}
	if p == "" {
		return nil, store.Info{}, store.IsDirectory(p)
	}
	r, err := b.bucket.NewRangeReader(ctx, k, offset, length, &blob.ReaderOptions{BeforeRead: quiet})
	if err != nil {
		return nil, store.Info{}, b.missing(ctx, "read", p, err)
	}
	return r, store.Info{Size: r.Size(), Modified: r.ModTime()}, nil
}

// quiet keeps S3's library from saying at every download of a file that came in parts that such have no checksum of
// the whole.
func quiet(as func(any) bool) error {
	var options *[]func(*s3.Options)
	if as(&options) {
		*options = append(*options, func(o *s3.Options) { o.DisableLogOutputChecksumValidationSkipped = true })
	}
	return nil
}

// missing tells a folder from what is not there.
func (b *Bucket) missing(ctx context.Context, what, p string, err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		below, _, e := b.bucket.ListPage(ctx, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: b.prefix + p + "/"})
		if e == nil && len(below) > 0 {
			return store.IsDirectory(p)
		}
	}
	return store.Fault(what, p, err)
}

// List lists one folder.
func (b *Bucket) List(ctx context.Context, p, page string) (files []store.File, next string, err error) {
	token, err := base64.RawURLEncoding.DecodeString(page)
	if err != nil {
		return nil, "", store.InvalidPage(page)
	}
	if page == "" {
		token = blob.FirstPageToken
	}
	prefix, err := b.key(p)
	if err != nil {
		return nil, "", err
	}
	if p != "" {
		prefix += "/"
	}
	for len(token) > 0 && len(files) < store.PageMax {
		var objects []*blob.ListObject
		objects, token, err = b.bucket.ListPage(ctx, token, listPage, &blob.ListOptions{Prefix: prefix, Delimiter: "/"})
		if err != nil {
			return nil, "", store.Fault("list", p, err)
		}
		for _, o := range objects {
			if o.Key != prefix { // consoles make a folder by an empty object of its name
				files = append(files, store.File{Name: path.Base(o.Key), IsDir: o.IsDir, Size: o.Size})
			}
		}
	}
	slices.SortFunc(files, func(a, b store.File) int { return strings.Compare(a.Name, b.Name) })
	return files, base64.RawURLEncoding.EncodeToString(token), nil
}

// Delete removes a file, or all files of a folder.
func (b *Bucket) Delete(ctx context.Context, p string) error {
	k, err := b.key(p)
	if err == nil && p == "" {
		err = store.InvalidPath()
	}
	if err != nil {
		return err
	}
	if err := b.delete(ctx, k); err != nil {
		return store.Fault("delete", p, err)
	}
	for token := blob.FirstPageToken; len(token) > 0; {
		var objects []*blob.ListObject
		objects, token, err = b.bucket.ListPage(ctx, token, listPage, &blob.ListOptions{Prefix: k + "/"})
		if err != nil {
			return store.Fault("delete", p, err)
		}
		if err := b.deleteAll(ctx, objects); err != nil {
			return store.Fault("delete", p, err)
		}
	}
	return nil
}

func (b *Bucket) deleteAll(ctx context.Context, objects []*blob.ListObject) error {
	var wg sync.WaitGroup
	keys, errs := make(chan string), make(chan error, deletesAtOnce)
	for range deletesAtOnce {
		wg.Go(func() {
			var failed error
			for k := range keys {
				failed = errors.Join(failed, b.delete(ctx, k))
			}
			errs <- failed
		})
	}
	for _, o := range objects {
		keys <- o.Key
	}
	close(keys)
	wg.Wait()
	var err error
	for range deletesAtOnce {
		err = errors.Join(err, <-errs)
	}
	return err
}

// delete removes one object, if it is there.
func (b *Bucket) delete(ctx context.Context, k string) error {
	if err := b.bucket.Delete(ctx, k); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return err
	}
	return nil
}
