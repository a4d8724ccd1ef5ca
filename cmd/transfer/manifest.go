package transfer

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

const (
	// Format names what the folder is, Version its layout. Who reads refuses a later one.
	Format  = "streamgauge-export"
	Version = 1
	// ManifestName is written last, and Unfinished lies there until then.
	ManifestName = "manifest.json"
	Unfinished   = "UNFINISHED"
	// ArtifactsFolder holds contents by their sums.
	ArtifactsFolder = "artifacts"
)

// DocumentTables are the tables of documents in the order in which they are placed: what others name comes first, and a
// registered model behind its versions, so that it is whole when it shows.
var DocumentTables = []string{
	"blobs", "experiments", "runs", "logged_models", "model_versions", "registered_models", "approvals", "endpoints",
	"evaluation_datasets", "evaluation_records", "scorers", "job_runs", "lineage_edges", "lineage_nodes",
	"alerts", "alert_events",
}

// Manifest says what an export holds.
type Manifest struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	// ID is drawn for each export: 32 hex digits. Frames that an import sends are known by it.
	ID     string            `json:"id"`
	Server map[string]string `json:"server"`
	Filter Filter            `json:"filter"`
	AsOf   Moment            `json:"as_of"`
	Tables []*Table          `json:"tables"`
	// NotCarried is what the server has, or may have, and the folder has not.
	NotCarried []Omission `json:"not_carried"`
}

// Filter says which runs were wanted; empty: everything.
type Filter struct {
	Experiments []string `json:"experiments,omitempty"`
	Runs        []string `json:"runs,omitempty"`
	Search      string   `json:"search,omitempty"`
	Without     []string `json:"without,omitempty"`
}

// All says whether everything was wanted.
func (f Filter) All() bool { return len(f.Experiments)+len(f.Runs) == 0 && f.Search == "" }

// Moment is what the export is a state of.
type Moment struct {
	Began time.Time `json:"began"`
	Ended time.Time `json:"ended"`
	// Positions are the last frame of each lane that is in, by lane.
	Positions map[string]uint64 `json:"positions"`
	// Running is how many runs went on: of them there is what was logged until then.
	Running int `json:"running_runs"`
}

// Omission is something that is not carried.
type Omission struct {
	What string `json:"what"`
	Why  string `json:"why"`
	// Count is 0 where nobody has counted.
	Count int `json:"count,omitempty"`
}

// Table is one table in one or more files of the same columns.
type Table struct {
	Name string `json:"name"`
	Rows int64  `json:"rows"`
	// Derived tables are for people who analyse: all that they say stands in others, and an import leaves them alone.
	Derived bool     `json:"derived,omitempty"`
	Columns []Column `json:"columns"`
	Files   []File   `json:"files"`
}

// Column of a table, with its type as Arrow names it.
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// File is one file, and what it must be.
type File struct {
	Name   string `json:"name"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Table answers a table, empty if there is none.
func (m *Manifest) Table(name string) *Table {
	for _, t := range m.Tables {
		if t.Name == name {
			return t
		}
	}
	return &Table{Name: name}
}

// NewID draws the id of an export.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// Begin takes a folder for an export: a new or empty one.
func Begin(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of the export: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read the folder of the export: %w", err)
	}
	if len(entries) > 0 {
		what := "is not empty"
		if _, err := os.Stat(filepath.Join(dir, Unfinished)); err == nil {
			what = "holds an export that was interrupted, which nothing can be made of: remove it"
		}
		return fmt.Errorf("%s %s; name a new folder with --out", dir, what)
	}
	text := "This export is not whole: it goes on, or was interrupted. The manifest is written last.\n"
	if err := os.WriteFile(filepath.Join(dir, Unfinished), []byte(text), 0o644); err != nil {
		return fmt.Errorf("begin the export: %w", err)
	}
	return nil
}

// Finish writes the manifest and with it makes the folder an export.
func (m *Manifest) Finish(dir string) error {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	if err := out.Encode(m); err != nil {
		return fmt.Errorf("encode the manifest: %w", err)
	}
	if err := WriteFile(filepath.Join(dir, ManifestName), func(w io.Writer) error { _, err := w.Write(b.Bytes()); return err }); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(dir, Unfinished)); err != nil {
		return fmt.Errorf("finish the export: %w", err)
	}
	return nil
}

// WriteFile writes a file beside its place, syncs it and renames it: it is there whole or not at all.
func WriteFile(name string, write func(io.Writer) error) (err error) {
	temporary := name + ".part"
	f, err := os.Create(temporary)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("write %s: %w", name, err), os.Remove(temporary))
		}
	}()
	if err := write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, name)
}

var (
	fileName = regexp.MustCompile(`^[a-z_]+-[0-9]{5}\.parquet$`)
	exportID = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// Open reads the manifest of a folder and refuses what cannot be imported.
func Open(dir string) (*Manifest, error) {
	b, err := os.ReadFile(filepath.Join(dir, ManifestName))
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(filepath.Join(dir, Unfinished)); err == nil {
			return nil, fmt.Errorf("the export in %s was interrupted and is not whole; export again into a new folder", dir)
		}
		return nil, fmt.Errorf("%s has no %s, so it is no export; name the folder that `streamgauge export --out` made", dir, ManifestName)
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", err)
	}
	m := new(Manifest)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("read the manifest of %s: %w", dir, err)
	}
	switch {
	case m.Format != Format:
		return nil, fmt.Errorf("the manifest of %s says format %q; want %q", dir, m.Format, Format)
	case m.Version > Version:
		return nil, fmt.Errorf("the export in %s has format version %d, this program reads up to %d; use the streamgauge that wrote it, or a newer one", dir, m.Version, Version)
	case !exportID.MatchString(m.ID):
		return nil, fmt.Errorf("the manifest of %s has the id %q; want 32 hex digits", dir, m.ID)
	}
	for _, t := range m.Tables {
		for _, f := range t.Files {
			if !fileName.MatchString(f.Name) || !strings.HasPrefix(f.Name, t.Name+"-") {
				return nil, fmt.Errorf("the manifest of %s names the file %q for table %s, which no export does", dir, f.Name, t.Name)
			}
		}
	}
	return m, nil
}

// Verify reads every file and compares it with the manifest.
func (m *Manifest) Verify(dir string) error {
	for _, t := range m.Tables {
		for _, f := range t.Files {
			bytes, sum, err := Sum(filepath.Join(dir, f.Name))
			if err != nil {
				return err
			}
			if bytes != f.Bytes || sum != f.SHA256 {
				return fmt.Errorf("%s is damaged: it has %d bytes with SHA-256 %s, the manifest says %d with %s; copy the export again", f.Name, bytes, sum, f.Bytes, f.SHA256)
			}
		}
	}
	return nil
}

// Sum measures a file.
func Sum(name string) (bytes int64, sum string, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, "", fmt.Errorf("check the export: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if bytes, err = io.Copy(h, f); err != nil {
		return 0, "", fmt.Errorf("check %s: %w", name, err)
	}
	return bytes, hex.EncodeToString(h.Sum(nil)), nil
}
