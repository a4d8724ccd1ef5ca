package app

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/streamgauge/streamgauge/ingest/artifact/bucket"
	disk "github.com/streamgauge/streamgauge/ingest/artifact/folder"
	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

// openArtifacts opens what --artifacts names, inside the data folder if it names nothing. space is asked before what is
// written to the local disk.
func openArtifacts(ctx context.Context, at, inside string, space func() error) (store.Store, error) {
	dir, isFolder, err := artifactsFolder(at)
	if err != nil {
		return nil, fmt.Errorf("--artifacts %s: %w", at, err)
	}
	if !isFolder {
		b, err := bucket.Open(ctx, at)
		if err != nil {
			return nil, fmt.Errorf("--artifacts %s: %w", withoutPassword(at), err)
		}
		return b, nil
	}
	if at == "" {
		dir = inside
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the folder of artifacts is not writable: %w; choose another with --artifacts or --data", err)
	}
	f, err := disk.Open(dir, space)
	if err != nil {
		return nil, fmt.Errorf("--artifacts %s: %w; choose another folder", dir, err)
	}
	return f, nil
}

// artifactsFolder is the folder that --artifacts names, if it names one.
func artifactsFolder(at string) (dir string, isFolder bool, err error) {
	if !strings.Contains(at, "://") {
		dir, err = filepath.Abs(at)
		return dir, true, err
	}
	u, err := url.Parse(at)
	if err != nil || u.Scheme != "file" {
		return "", false, nil // what is wrong with a URL, the bucket says
	}
	if u.Host != "" || !filepath.IsAbs(u.Path) {
		return "", true, fmt.Errorf("want file:///absolute/path")
	}
	return u.Path, true, nil
}

// withoutPassword is an address as a log may have it.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.User == nil {
		return address
	}
	return u.Redacted()
}
