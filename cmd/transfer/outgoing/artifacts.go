package outgoing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/streamgauge/streamgauge/cmd/transfer"
	"github.com/streamgauge/streamgauge/cmd/transfer/documents"
	"github.com/streamgauge/streamgauge/cmd/transfer/sheet"
	"github.com/streamgauge/streamgauge/schemas/sgpb"
)

// locate notes where a document's artifacts lie.
func (e *export) locate(d *sgpb.Document) {
	if !e.Artifacts {
		return
	}
	switch b := d.GetBody().(type) {
	case *sgpb.Document_Run:
		e.located(b.Run.GetArtifactUri())
	case *sgpb.Document_LoggedModel:
		e.located(b.LoggedModel.GetArtifactUri())
	case *sgpb.Document_Experiment:
		if e.choice.All || e.choice.Whole[b.Experiment.GetId()] {
			e.located(b.Experiment.GetArtifactLocation() + "/traces")
		}
	}
}

func (e *export) located(uri string) {
	rest, own := strings.CutPrefix(uri, "mlflow-artifacts:/")
	if rest = strings.TrimLeft(rest, "/"); own && rest != "" {
		e.locations[rest] = true
		return
	}
	e.outside++
}

// artifacts copies the files of all that is in.
func (e *export) artifacts(ctx context.Context) error {
	if !e.Artifacts {
		return nil
	}
	w := sheet.New(e.Dir, "artifacts", false, []sheet.Column{{Name: "path", Type: sheet.Text}, {Name: "bytes", Type: sheet.Whole}, {Name: "sha256", Type: sheet.Text}})
	for _, root := range documents.Sorted(e.locations) {
		if err := e.folder(ctx, w, root); err != nil {
			return err
		}
	}
	t, err := w.Close()
	if err != nil {
		return err
	}
	if e.outside > 0 {
		e.omit("artifacts outside of the server's own store", "the server only points at them; copy them with the tools of that store", e.outside)
	}
	e.add(t)
	return nil
}

// folder copies a folder and those below it.
func (e *export) folder(ctx context.Context, w *sheet.Writer, at string) error {
	var list struct {
		Files []struct {
			Path  string `json:"path"`
			IsDir bool   `json:"is_dir"`
		} `json:"files"`
	}
	if err := transfer.Get(ctx, e.server, "/api/2.0/mlflow-artifacts/artifacts?path="+url.QueryEscape(at), &list); err != nil {
		return fmt.Errorf("list the artifacts below %s: %w", at, err)
	}
	for _, f := range list.Files {
		below := path.Join(at, f.Path)
		if f.IsDir {
			if err := e.folder(ctx, w, below); err != nil {
				return err
			}
			continue
		}
		bytes, sum, err := e.copyArtifact(ctx, below)
		if err != nil {
			return fmt.Errorf("copy the artifact %s: %w", below, err)
		}
		if err := w.Add([]any{below, bytes, sum}); err != nil {
			return err
		}
	}
	return nil
}

// copyArtifact keeps a file's content under its sum.
func (e *export) copyArtifact(ctx context.Context, from string) (bytes int64, sum string, err error) {
	dir := filepath.Join(e.Dir, transfer.ArtifactsFolder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, "", err
	}
	next := filepath.Join(dir, "next")
	h := sha256.New()
	err = transfer.Again(ctx, func() error {
		h.Reset()
		return transfer.WriteFile(next, func(w io.Writer) error {
			body, err := e.server.Send(ctx, http.MethodGet, transfer.ArtifactRoute(from), "", nil)
			if err != nil {
				return err
			}
			defer body.Close()
			bytes, err = io.Copy(io.MultiWriter(w, h), body)
			return err
		})
	})
	if err != nil {
		return 0, "", err
	}
	sum = hex.EncodeToString(h.Sum(nil))
	to := filepath.Join(dir, sum[:2], sum)
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return 0, "", err
	}
	return bytes, sum, os.Rename(next, to)
}
