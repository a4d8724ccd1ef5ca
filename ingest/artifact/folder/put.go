package folder

import (
	"context"
	"io"
	"os"

	"gocloud.dev/blob"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

const (
	// copyBytes is the memory of one upload.
	copyBytes = 256 << 10
	// spaceEveryBytes is how often an upload asks whether there is room.
	spaceEveryBytes = 16 << 20
)

// Put stores a file, synced before it takes its place.
func (s *Folder) Put(ctx context.Context, p string, r io.Reader, length int64) error {
	if p == "" {
		return store.InvalidPath()
	}
	if err := s.space(); err != nil {
		return err
	}
	k, err := s.stays(p)
	if err != nil {
		return err
	}
	if info, err := s.root.Stat(k); err == nil && info.IsDir() {
		return store.IsDirectory(p)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var file *os.File
	w, err := s.bucket.NewWriter(ctx, k, &blob.WriterOptions{
		DisableContentTypeDetection: true,
		BeforeWrite:                 func(as func(any) bool) error { as(&file); return nil },
	})
	if err != nil {
		return store.Fault("store", p, err)
	}
	err = s.copy(w, file, r, length)
	if err == nil && file != nil {
		err = file.Sync()
	}
	if err != nil {
		cancel()
		_ = w.Close() // removes what was written; err says why
		return store.Fault("store", p, err)
	}
	if err := w.Close(); err != nil {
		return store.Fault("store", p, err)
	}
	return nil
}

// copy copies in pieces and asks for room between them. file is where w writes to, if that is known.
func (s *Folder) copy(w io.Writer, file *os.File, r io.Reader, length int64) error {
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
			if file != nil {
				writeBack(file, total-n, total)
			}
			if err := s.space(); err != nil {
				return err
			}
		case length >= 0 && total != length:
			return store.Broken(total, length)
		default:
			return nil
		}
	}
}
