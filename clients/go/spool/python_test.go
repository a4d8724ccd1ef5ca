package spool

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/frame"
)

// python runs testdata/spools.py, which may kill itself when it is through.
func python(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("python3", append([]string{"testdata/spools.py"}, args...)...)
	var wrong bytes.Buffer
	cmd.Stderr = &wrong
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
		t.Fatalf("spools.py %v: %v\n%s", args, err, wrong.Bytes())
	}
	return out
}

func pythonFrames(t *testing.T, args ...string) [][]byte {
	t.Helper()
	var frames [][]byte
	for line := range strings.Lines(string(python(t, append([]string{"frames"}, args...)...))) {
		f, err := hex.DecodeString(strings.TrimSpace(line))
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, f)
	}
	return frames
}

// written is a spool whose process was killed with SIGKILL.
func written(t *testing.T, seed int) Folder {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spools", fmt.Sprintf("s%d", seed))
	python(t, "write", path, fmt.Sprint(seed))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func copied(t *testing.T, f Folder) Folder {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spools", f.Name())
	if err := os.CopyFS(path, os.DirFS(f.Path)); err != nil {
		t.Fatal(err)
	}
	return Folder{Path: path, About: f.About}
}

// taker is a server that takes frames.
type taker struct {
	frames [][]byte
	// each is asked before a frame is taken; an error ends the request.
	each func(n int) error
}

func (s *taker) Send(_ context.Context, frames [][]byte) (int, error) {
	for i, f := range frames {
		if s.each != nil {
			if err := s.each(len(s.frames)); err != nil {
				return i, err
			}
		}
		s.frames = append(s.frames, slices.Clone(f))
	}
	return len(frames), nil
}

func (s *taker) way() Way {
	return Way{Open: func() (streamgauge.Transport, func(), error) { return s, func() {}, nil }}
}

func same(t *testing.T, got, want [][]byte) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d", len(got), len(want))
	}
	for i := range got {
		if !bytes.Equal(got[i], want[i]) {
			t.Fatalf("frame %d has other bytes: %d of them, want %d", i+1, len(got[i]), len(want[i]))
		}
	}
}

const seeds = 6

func TestAKilledProcessesSpoolGivesTheFramesThatPythonSends(t *testing.T) {
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := written(t, seed)
			want := pythonFrames(t, copied(t, f).Path)
			s := &taker{}
			counts, err := Drain(t.Context(), f, s.way(), Told{})
			if err != nil {
				t.Fatal(err)
			}
			same(t, s.frames, want)
			points := uint64(0)
			for i, b := range s.frames {
				got, err := frame.Decode(b)
				if err != nil || len(b) > bus.FrameBytesMax {
					t.Fatalf("frame %d of %d bytes: %v", i+1, len(b), err)
				}
				for _, s := range got.Sections {
					points += uint64(len(s.GetPoints().GetValue()))
				}
			}
			// Points with a context stand in sections, which the ledger does not count.
			if counts.Frames != len(want) || counts.Points == 0 || counts.Points > points {
				t.Errorf("counts are %+v for %d frames with %d points", counts, len(want), points)
			}
			if _, err := os.Stat(f.Path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the folder is still there: %v", err)
			}
		})
	}
}

// Whoever goes on where the Python shipper was killed sends what it has sent, under the same names.
func TestAFolderThatPythonHasBegunIsFinishedWithTheSameFrames(t *testing.T) {
	for seed := range 3 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			f := written(t, seed)
			for _, taken := range []int{0, 1, 5} {
				g := copied(t, f)
				before := pythonFrames(t, g.Path, fmt.Sprint(taken))
				s := &taker{}
				if _, err := Drain(t.Context(), g, s.way(), Told{}); err != nil {
					t.Fatal(err)
				}
				names := make(map[uint64][]byte)
				for _, b := range append(before, s.frames...) {
					got, err := frame.Decode(b)
					if err != nil {
						t.Fatal(err)
					}
					if known, twice := names[got.Number]; twice && !bytes.Equal(known, b) {
						t.Fatalf("frame %d was sent with other bytes before", got.Number)
					}
					names[got.Number] = b
				}
				for n := range uint64(len(names)) {
					if names[n+1] == nil {
						t.Fatalf("frame %d was never sent", n+1)
					}
				}
			}
		})
	}
}

func TestASegmentTornAtEveryByteIsReadAsPythonReadsIt(t *testing.T) {
	for _, seed := range []int{0, 3} { // one with a few keys, one with many
		f := written(t, seed)
		path := filepath.Join(f.Path, "000001.seg")
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole[:min(len(whole), 6<<10)], make([]byte, 64)...)
		if err := os.WriteFile(path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(bytes.NewReader(python(t, "torn", path)))
		lengths := 0
		for length := segment.HeaderBytes; lines.Scan(); length++ {
			torn := append(slices.Clone(whole[:length]), make([]byte, max(0, len(whole)-length))...)
			s, err := segment.New(torn)
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.Encode(torn[segment.HeaderBytes:])
			if err != nil {
				t.Fatalf("torn at %d: %v", length, err)
			}
			got := fmt.Sprint(c.Points, c.Bytes, crc32.ChecksumIEEE(s.Head.Frame(1, c.Sections, false)))
			if got != lines.Text() {
				t.Fatalf("torn at %d: %s, Python has %s", length, got, lines.Text())
			}
			lengths++
		}
		if lengths < 1000 {
			t.Errorf("only %d lengths", lengths)
		}
	}
}
