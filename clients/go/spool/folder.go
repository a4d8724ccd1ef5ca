package spool

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/streamgauge/streamgauge/clients/go/spool/lock"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
)

// Names in a folder.
const (
	aboutFile   = "spool.json"
	ownerFile   = "owner.lock"
	shipperFile = "shipper.lock"
	ledgerFile  = "ledger"
	troubleFile = "trouble"
	// laneFile has the lane that was chosen for the writer, where nobody but the shipper knows it.
	laneFile = "lane"
	// committedFile says how far others may read while the writer lives.
	committedFile = "committed"
	// rejectedFolder lies beside the folders.
	rejectedFolder = "rejected"
)

const (
	// aboutBytesMax of spool.json.
	aboutBytesMax = 1 << 20
	// foldersMax of a root that one look answers: thousands of processes on one host. What is left comes when they are gone.
	foldersMax = 16384
)

// What spool.json may say of mode and shipper.
const (
	ModeOnline   = "online"
	ShipperAgent = "agent"
)

// About is what spool.json says that a reader may need.
type About struct {
	Run  string `json:"run_id"`
	Name string `json:"name"`
	Rank uint32 `json:"rank"`
	// Mode is online, or offline: then it is sent when somebody asks for it.
	Mode string `json:"mode"`
	// URL is the server that it is meant for.
	URL string `json:"url"`
	// Shipper is agent, where the writing process leaves it to one; else the process does it.
	Shipper string `json:"shipper"`
	// Attached: the run is somebody else's, which this writer neither starts nor ends.
	Attached bool `json:"attached"`
}

// Folder is a spool.
type Folder struct {
	Path  string
	About About
}

// Name is the folder's own name.
func (f Folder) Name() string { return filepath.Base(f.Path) }

// List gives the spools below a root, or the root itself if it is one; the oldest first. What is no spool is left out;
// a spool.json that cannot be read comes back with the others, as an error.
func List(root string) ([]Folder, error) {
	if _, err := os.Stat(filepath.Join(root, aboutFile)); err == nil {
		f, err := Open(root)
		return []Folder{f}, err
	}
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	type aged struct {
		Folder
		at int64
	}
	var found []aged
	var wrong []error
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !e.IsDir() || len(found) == foldersMax {
			continue
		}
		f, err := Open(filepath.Join(root, e.Name()))
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			wrong = append(wrong, err)
		default:
			found = append(found, aged{f, info.ModTime().UnixNano()})
		}
	}
	slices.SortStableFunc(found, func(a, b aged) int { return cmp.Compare(a.at, b.at) })
	out := make([]Folder, len(found))
	for i, f := range found {
		out[i] = f.Folder
	}
	return out, errors.Join(wrong...)
}

// Open reads what a spool says of itself; fs.ErrNotExist if the folder is none.
func Open(path string) (Folder, error) {
	name := filepath.Join(path, aboutFile)
	info, err := os.Stat(name)
	if err != nil {
		return Folder{}, err
	}
	if info.Size() > aboutBytesMax {
		return Folder{}, segment.Unreadable("%s has %d bytes", name, info.Size())
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return Folder{}, err
	}
	f := Folder{Path: path}
	if err := json.Unmarshal(b, &f.About); err != nil {
		return Folder{}, segment.Unreadable("%s: %w", name, err)
	}
	return f, nil
}

// Owner takes the folder from its writer, who has the lock as long as it lives.
func (f Folder) Owner() (*lock.Lock, error) { return lock.Take(filepath.Join(f.Path, ownerFile)) }

// Shipper takes the right to ship the folder; a process that ships its own has it.
func (f Folder) Shipper() (*lock.Lock, error) { return lock.Take(filepath.Join(f.Path, shipperFile)) }

// segments says whether any is there.
func (f Folder) segments() bool {
	found, _ := filepath.Glob(filepath.Join(f.Path, "*.seg")) // the pattern is well
	return len(found) > 0
}

// remove deletes a folder that the server has whole; its spool.json last, so that what a kill leaves of it is found
// again.
func (f Folder) remove() error {
	entries, err := os.ReadDir(f.Path)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Name() == aboutFile {
			continue
		}
		if err := os.RemoveAll(filepath.Join(f.Path, e.Name())); err != nil {
			return err
		}
	}
	return os.RemoveAll(f.Path)
}

// writeNew writes a file that is there whole or not at all, also after the machine has died: an empty lane would have the
// folder unreadable.
func writeNew(path string, content []byte) error {
	beside := path + ".new"
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(beside, path)
}

// Tell leaves word in the folder why it is not sent, for its process to pass on; "" takes it back.
func (f Folder) Tell(trouble string) error {
	path := filepath.Join(f.Path, troubleFile)
	if trouble == "" {
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return writeNew(path, []byte(trouble))
}

// committed reads what the writer says.
func (f Folder) committed() (segment.Committed, bool) {
	b, err := os.ReadFile(filepath.Join(f.Path, committedFile))
	if err != nil {
		return segment.Committed{}, false
	}
	return segment.ParseCommitted(b)
}
