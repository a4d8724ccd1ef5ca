// Package folder keeps artifacts in a folder of the local disk, by way of gocloud.dev's file store.
//
//   - An upload is written beside its place, synced and renamed: one that breaks off, or a disk that fills up
//     meanwhile, leaves no file and what was there before.
//   - A crash within an upload leaves a temporary file that no listing shows; the next start removes it.
//   - A symbolic link that leads out of the folder leads nowhere.
package folder

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"syscall"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

// listTries is how often a folder is listed anew when files go away meanwhile.
const listTries = 5

// Folder is a store.Store.
type Folder struct {
	bucket *blob.Bucket
	// root is the same folder: it follows no symbolic link that leads out.
	root  *os.Root
	space func() error
	stop  context.CancelFunc
	swept chan struct{}
}

var _ store.Store = (*Folder)(nil)

// Open opens a folder, made if it is missing. space is asked before and within uploads; nil: never full. Close
// ends the store.
func Open(dir string, space func() error) (*Folder, error) {
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{CreateDir: true, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("open artifacts in %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open artifacts in %s: %w", dir, err)
	}
	if space == nil {
		space = func() error { return nil }
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Folder{bucket: bucket, root: root, space: space, stop: stop, swept: make(chan struct{})}
	go s.sweep(ctx, time.Now())
	return s, nil
}

// Close ends the store; uploads under way fail.
func (s *Folder) Close() error {
	s.stop()
	<-s.swept
	return errors.Join(s.bucket.Close(), s.root.Close())
}

// sweep removes what uploads of an earlier process left. What cannot be read or removed stays; no listing
// shows it.
func (s *Folder) sweep(ctx context.Context, started time.Time) {
	defer close(s.swept)
	_ = fs.WalkDir(s.root.FS(), ".", func(p string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return fs.SkipAll
		}
		// The file's own time is no help: the system's clock for files is some milliseconds behind.
		if begun, ok := uploadBegun(p); ok && err == nil && !entry.IsDir() && begun.Before(started) {
			_ = s.root.Remove(p)
		}
		return nil
	})
}

// Stat describes a file.
func (s *Folder) Stat(_ context.Context, p string) (store.Info, error) {
	k, err := s.stays(p)
	if err != nil {
		return store.Info{}, err
	}
	info, err := s.root.Stat(k)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return store.Info{}, store.Missing(p)
	case err != nil:
		return store.Info{}, store.Fault("find", p, err)
	case info.IsDir():
		return store.Info{}, store.IsDirectory(p)
	case !info.Mode().IsRegular():
		return store.Info{}, store.Missing(p) // opening a pipe would wait for its writer
	}
	return store.Info{Size: info.Size(), Modified: info.ModTime()}, nil
}

// Get opens a file. What it gives is the file itself where all of it is wanted, so that the system can send it
// without a copy through this process.
func (s *Folder) Get(ctx context.Context, p string, offset, length int64) (io.ReadCloser, store.Info, error) {
	info, err := s.Stat(ctx, p)
	if err != nil {
		return nil, info, err
	}
	k, err := key(p)
	if err != nil {
		return nil, info, err
	}
	f, err := s.root.Open(k)
	if err != nil {
		return nil, info, store.Fault("read", p, err)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, info, store.Fault("read", p, err)
	}
	if length < 0 {
		return f, info, nil
	}
	return section{&io.LimitedReader{R: f, N: length}, f}, info, nil
}

// section is a part of a file.
type section struct {
	*io.LimitedReader
	io.Closer
}

// WriteTo hands the limited file over as such: the system can send that too.
func (s section) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, s.LimitedReader) }

// List lists one folder.
func (s *Folder) List(ctx context.Context, p, page string) (files []store.File, next string, err error) {
	token, err := base64.RawURLEncoding.DecodeString(page)
	if err != nil {
		return nil, "", store.InvalidPage(page)
	}
	if page == "" {
		token = blob.FirstPageToken
	}
	prefix := ""
	if p != "" {
		if prefix, err = s.stays(p); err != nil {
			return nil, "", err
		}
		prefix += "/"
	}
	objects, more, err := s.listPage(ctx, prefix, token)
	if err != nil {
		return nil, "", store.Fault("list", p, err)
	}
	files = make([]store.File, 0, len(objects))
	for _, o := range objects {
		if name := path.Base(o.Key); o.IsDir || !temporary.MatchString(name) {
			files = append(files, store.File{Name: decodeName(name), IsDir: o.IsDir, Size: o.Size})
		}
	}
	slices.SortFunc(files, func(a, b store.File) int { return strings.Compare(a.Name, b.Name) })
	return files, base64.RawURLEncoding.EncodeToString(more), nil
}

// listPage lists again when a file went away while it was looked at.
func (s *Folder) listPage(ctx context.Context, prefix string, token []byte) (page []*blob.ListObject, more []byte, err error) {
	for range listTries {
		page, more, err = s.bucket.ListPage(ctx, token, pageMax, &blob.ListOptions{Prefix: prefix, Delimiter: "/"})
		if gcerrors.Code(err) != gcerrors.NotFound {
			break
		}
	}
	return page, more, err
}

// pageMax is a variable for the tests of pages.
var pageMax = store.PageMax

// Delete removes a file or a folder.
func (s *Folder) Delete(_ context.Context, p string) error {
	if p == "" {
		return store.InvalidPath()
	}
	if _, err := s.stays(path.Dir(p)); err != nil {
		return err
	}
	k, err := key(p)
	if err != nil {
		return err
	}
	if err := s.root.RemoveAll(k); err != nil {
		return store.Fault("delete", p, err)
	}
	return nil
}

// Below finds nothing: the only address of a folder is mlflow-artifacts:.
func (s *Folder) Below(string) (string, bool) { return "", false }

// Signer is nil: a folder has no addresses of its own.
func (s *Folder) Signer() store.Signer { return nil }

// Multipart is nil: clients upload whole files.
func (s *Folder) Multipart() store.Multipart { return nil }

// stays gives a path's key, and refuses a path whose existing part leads out of the folder by a symbolic link.
func (s *Folder) stays(p string) (string, error) {
	if p == "" || p == "." {
		return ".", nil
	}
	k, err := key(p)
	if err != nil {
		return "", err
	}
	for at := k; at != "."; at = path.Dir(at) {
		_, err := s.root.Stat(at)
		switch {
		case err == nil:
			return k, nil
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
			// A link to nothing is no folder to write into.
			if info, err := s.root.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
				return "", store.InvalidPath()
			}
		case errors.Is(err, fs.ErrPermission):
			return "", store.Fault("find", p, err)
		default:
			return "", store.InvalidPath()
		}
	}
	return k, nil
}
