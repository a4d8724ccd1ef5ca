package browse

import (
	"archive/zip"
	"compress/flate"
	"context"
	"fmt"
	"io"
	"path"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// filesMax bounds an archive by its names, which are held: some 20 MB.
const filesMax = 100_000

// list gives the files of a folder and of all below it, as paths below it, folder by folder.
func list(ctx context.Context, s store.Store, root string) ([]string, error) {
	var files []string
	for folders := []string{""}; len(folders) > 0; {
		folder := folders[len(folders)-1]
		folders = folders[:len(folders)-1]
		for page, more := "", true; more; more = page != "" {
			found, next, err := s.List(ctx, path.Join(root, folder), page)
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				if name := path.Join(folder, f.Name); f.IsDir {
					folders = append(folders, name)
				} else {
					files = append(files, name)
				}
			}
			if len(files)+len(folders) > filesMax {
				return nil, track.Errorf(track.InvalidParameterValue, "The folder holds more than %d files, and an archive may not; take a folder below it, or all with mlflow.artifacts.download_artifacts", filesMax)
			}
			page = next
		}
	}
	return files, nil
}

// pack writes files below root as a zip. It reads one file at a time, and holds none.
func pack(ctx context.Context, s store.Store, w io.Writer, root string, files []string) error {
	z := zip.NewWriter(w)
	// Most of what is large is packed already: the fastest level costs little there.
	z.RegisterCompressor(zip.Deflate, func(out io.Writer) (io.WriteCloser, error) { return flate.NewWriter(out, flate.BestSpeed) })
	for _, name := range files {
		if err := add(ctx, s, z, root, name); err != nil {
			return fmt.Errorf("pack %s: %w", name, err)
		}
	}
	return z.Close()
}

func add(ctx context.Context, s store.Store, z *zip.Writer, root, name string) error {
	r, info, err := s.Get(ctx, path.Join(root, name), 0, -1)
	if err != nil {
		return err
	}
	defer r.Close()
	w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: info.Modified.UTC()})
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return err
}
