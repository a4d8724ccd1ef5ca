package artifact

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"github.com/streamgauge/streamgauge/schemas/track"
)

const (
	// listedMax bounds one folder's listing in memory.
	listedMax = 100_000
	// listTries is how often a folder is listed anew when files go away meanwhile.
	listTries = 5
	// copyBytes is the memory of one upload.
	copyBytes = 256 << 10
	// spaceEveryBytes is how often an upload asks whether there is room.
	spaceEveryBytes = 16 << 20
)

// temporary matches the names of uploads under way; encodeName keeps users' files from having such.
var temporary = regexp.MustCompile(temporaryEnd)

// Store keeps files in a folder. Methods may be called at once; of two uploads to one path the one that ends
// last counts.
type Store struct {
	bucket *blob.Bucket
	// root is the same folder: it follows no symbolic link that leads out.
	root  *os.Root
	space func() error
	stop  context.CancelFunc
	swept chan struct{}
}

// Open opens a folder, made if it is missing. space is asked before and within uploads; nil: never full. Close
// ends the store.
func Open(dir string, space func() error) (*Store, error) {
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
	s := &Store{bucket: bucket, root: root, space: space, stop: stop, swept: make(chan struct{})}
	go s.sweep(ctx, time.Now())
	return s, nil
}

// Close ends the store; uploads under way fail.
func (s *Store) Close() error {
	s.stop()
	<-s.swept
	return errors.Join(s.bucket.Close(), s.root.Close())
}

// sweep removes what uploads of an earlier process left. What cannot be read or removed stays; no listing
// shows it.
func (s *Store) sweep(ctx context.Context, started time.Time) {
	defer close(s.swept)
	_ = fs.WalkDir(s.root.FS(), ".", func(p string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return fs.SkipAll
		}
		if err != nil || entry.IsDir() || !temporary.MatchString(p) {
			return nil
		}
		if info, err := entry.Info(); err == nil && info.ModTime().Before(started) {
			_ = s.root.Remove(p)
		}
		return nil
	})
}

// Put stores what r has until its end under a cleaned path, whole or not at all. length is how much that must
// be, negative if it is not known.
func (s *Store) Put(ctx context.Context, p string, r io.Reader, length int64) error {
	if p == "" {
		return invalidPath()
	}
	if err := s.space(); err != nil {
		return err
	}
	if err := s.stays(p); err != nil {
		return err
	}
	if info, err := s.root.Stat(key(p)); err == nil && info.IsDir() {
		return track.Errorf(track.InvalidParameterValue, "Artifact path refers to a directory, not a file: '%s'", p)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var file *os.File
	w, err := s.bucket.NewWriter(ctx, key(p), &blob.WriterOptions{
		DisableContentTypeDetection: true,
		BeforeWrite:                 func(as func(any) bool) error { as(&file); return nil },
	})
	if err != nil {
		return fault("store", p, err)
	}
	err = s.copy(w, r, length)
	if err == nil && file != nil {
		err = file.Sync()
	}
	if err != nil {
		cancel()
		_ = w.Close() // removes what was written; err says why
		return fault("store", p, err)
	}
	if err := w.Close(); err != nil {
		return fault("store", p, err)
	}
	return nil
}

// copy copies in pieces and asks for room between them.
func (s *Store) copy(w io.Writer, r io.Reader, length int64) error {
	// Without its other methods the writer cannot take a shortcut around the limit.
	to, buffer := struct{ io.Writer }{w}, make([]byte, copyBytes)
	total := int64(0)
	for {
		n, err := io.CopyBuffer(to, io.LimitReader(r, spaceEveryBytes), buffer)
		total += n
		switch {
		case err != nil:
			return err
		case n == spaceEveryBytes:
			if err := s.space(); err != nil {
				return err
			}
		case length >= 0 && total != length:
			return fmt.Errorf("%w: %d of %d bytes came", errBroken, total, length)
		default:
			return nil
		}
	}
}

// Get opens a file by its cleaned path; the caller closes it.
func (s *Store) Get(ctx context.Context, p string) (io.ReadCloser, int64, error) {
	if err := s.stays(p); err != nil {
		return nil, 0, err
	}
	if info, err := s.root.Stat(rooted(p)); err == nil && info.IsDir() {
		return nil, 0, track.Errorf(track.InvalidParameterValue, "Artifact path refers to a directory, not a file: '%s'", p)
	}
	r, err := s.bucket.NewReader(ctx, key(p), nil)
	if err != nil {
		return nil, 0, fault("read", p, err)
	}
	return r, r.Size(), nil
}

// File is an entry of a listing.
type File struct {
	Name  string
	IsDir bool
	Size  int64
}

// List lists one folder by its cleaned path, by name. A folder that is not there is empty.
func (s *Store) List(ctx context.Context, p string) ([]File, error) {
	prefix := ""
	if p != "" {
		if err := s.stays(p); err != nil {
			return nil, err
		}
		prefix = key(p) + "/"
	}
	page, more, err := s.listPage(ctx, prefix)
	if err != nil {
		return nil, fault("list", p, err)
	}
	if len(more) > 0 {
		return nil, track.Errorf(track.InvalidParameterValue, "'%s' holds more than %d entries; list a folder below it", p, listedMax)
	}
	files := make([]File, 0, len(page))
	for _, o := range page {
		if name := path.Base(o.Key); o.IsDir || !temporary.MatchString(name) {
			files = append(files, File{Name: decodeName(name), IsDir: o.IsDir, Size: o.Size})
		}
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files, nil
}

// listPage lists again when a file went away while it was looked at.
func (s *Store) listPage(ctx context.Context, prefix string) (page []*blob.ListObject, more []byte, err error) {
	for range listTries {
		page, more, err = s.bucket.ListPage(ctx, blob.FirstPageToken, listedMax, &blob.ListOptions{Prefix: prefix, Delimiter: "/"})
		if gcerrors.Code(err) != gcerrors.NotFound {
			break
		}
	}
	return page, more, err
}

// Delete removes a file or a folder by its cleaned path. What is not there is removed already.
func (s *Store) Delete(p string) error {
	if p == "" {
		return invalidPath()
	}
	if err := s.stays(path.Dir(p)); err != nil {
		return err
	}
	if err := s.root.RemoveAll(key(p)); err != nil {
		return fault("delete", p, err)
	}
	return nil
}

// rooted is the key of a path for root, where the root itself is ".".
func rooted(p string) string {
	if p == "" || p == "." {
		return "."
	}
	return key(p)
}

// stays refuses a path whose existing part leads out of the folder by a symbolic link.
func (s *Store) stays(p string) error {
	for at := rooted(p); at != "."; at = path.Dir(at) {
		_, err := s.root.Stat(at)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
			// A link to nothing is no folder to write into.
			if info, err := s.root.Lstat(at); err == nil && info.Mode()&fs.ModeSymlink != 0 {
				return invalidPath()
			}
		case errors.Is(err, fs.ErrPermission):
			return fault("find", p, err)
		default:
			return invalidPath()
		}
	}
	return nil
}
