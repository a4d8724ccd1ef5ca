package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	streamgauge "github.com/streamgauge/streamgauge/clients/go"
	"github.com/streamgauge/streamgauge/clients/go/spool/files"
	"github.com/streamgauge/streamgauge/clients/go/spool/ledger"
	"github.com/streamgauge/streamgauge/clients/go/spool/lock"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment"
	"github.com/streamgauge/streamgauge/clients/go/spool/segment/segmenttest"
	"github.com/streamgauge/streamgauge/schemas/frame"
)

// folder is a spool with one segment.
func folder(t *testing.T, records ...[]byte) Folder {
	t.Helper()
	path := filepath.Join(t.TempDir(), "spools", "one")
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "000001.seg"), segmenttest.Whole(1, records...))
	write(t, filepath.Join(path, aboutFile), []byte(`{"run_id":"0123456789abcdef0123456789abcdef","mode":"online"}`))
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func threeFrames(t *testing.T) Folder {
	t.Helper()
	records := [][]byte{segmenttest.Keys(1, "a")}
	// Each section is a frame of its own, by its number of events.
	for range 3 {
		s := binary.LittleEndian.AppendUint32(nil, 0)
		s = binary.LittleEndian.AppendUint16(s, 500)
		records = append(records, segmenttest.Points(1, 1, 2), segmenttest.Record(3, 0, append(s, 0, 0)))
	}
	return folder(t, records...)
}

func TestAFrameIsSentAgainUntilItIsTaken(t *testing.T) {
	f := threeFrames(t)
	failures := 0
	s := &taker{each: func(n int) error {
		if n == 1 && failures < 3 {
			failures++
			return errors.New("away")
		}
		return nil
	}}
	counts, err := Drain(t.Context(), f, s.way(), Told{})
	if err != nil || counts.Retries != 3 || counts.Frames != 4 || counts.Points != 3 {
		t.Errorf("%+v, %v", counts, err)
	}
	if last, err := frame.Decode(s.frames[3]); err != nil || !last.Close || last.Number != 4 {
		t.Errorf("the last frame is %+v, %v", last, err)
	}
}

func TestWhatIsNeverTakenIsKeptInAFile(t *testing.T) {
	f := threeFrames(t)
	refused := 0
	s := &taker{each: func(n int) error {
		if n == 1 && refused == 0 {
			refused++
			return &streamgauge.Refused{Reason: errors.New("malformed")}
		}
		return nil
	}}
	var news []string
	counts, err := Drain(t.Context(), f, s.way(), Told{News: func(text string) { news = append(news, text) }})
	if err != nil || counts.Rejected != 1 || counts.Frames != 3 || counts.Points != 2 {
		t.Errorf("%+v, %v", counts, err)
	}
	kept, err := os.ReadFile(filepath.Join(filepath.Dir(f.Path), rejectedFolder, "one-2.frame"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := frame.Decode(kept); err != nil || got.Number != 2 || len(news) != 1 || !strings.Contains(news[0], "malformed") {
		t.Errorf("%+v, %v, %q", got, err, news)
	}
}

func TestWhatATokenMayNotSendWaitsForAnother(t *testing.T) {
	f := threeFrames(t)
	ctx, cancel := context.WithCancel(t.Context())
	s := &taker{each: func(int) error {
		return &streamgauge.Refused{Reason: fmt.Errorf("%w: experiment 3", streamgauge.ErrForbidden)}
	}}
	_, err := Drain(ctx, f, s.way(), Told{Trouble: func(error) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	s.each = nil
	if counts, err := Drain(t.Context(), f, s.way(), Told{}); err != nil || counts.Frames != 4 || counts.Rejected != 0 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestAFolderIsLeftToItsProcessAndToItsShipper(t *testing.T) {
	f := threeFrames(t)
	s := &taker{}
	for _, take := range []func() (*lock.Lock, error){f.Owner, f.Shipper} {
		held, err := take()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Drain(t.Context(), f, s.way(), Told{}); !errors.Is(err, lock.ErrBusy) {
			t.Errorf("drained under a lock: %v", err)
		}
		held.Release()
	}
	if len(s.frames) != 0 {
		t.Errorf("%d frames were sent", len(s.frames))
	}
}

func TestFilesStayWhereThereIsNoHTTP(t *testing.T) {
	f := threeFrames(t)
	if err := os.Mkdir(filepath.Join(f.Path, "artifacts"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.Path, "artifacts", "000001.json"), []byte(`{"path":"a"}`))
	s := &taker{}
	for range 2 {
		if _, err := Drain(t.Context(), f, s.way(), Told{}); !errors.Is(err, ErrFilesStay) {
			t.Fatal(err)
		}
		if len(s.frames) != 4 || f.segments() {
			t.Errorf("%d frames, segments %v", len(s.frames), f.segments())
		}
	}
}

func TestDamageIsNamedAndNothingIsDeleted(t *testing.T) {
	damage := map[string]func(t *testing.T, f Folder){
		"000001.seg is shorter": func(t *testing.T, f Folder) { write(t, filepath.Join(f.Path, "000001.seg"), []byte("short")) },
		"checksum of the header": func(t *testing.T, f Folder) {
			b := segmenttest.Whole(1)
			b[30] ^= 1
			write(t, filepath.Join(f.Path, "000001.seg"), b)
		},
		"another segment's number": func(t *testing.T, f Folder) { write(t, filepath.Join(f.Path, "000001.seg"), segmenttest.Whole(2)) },
		"the ledger": func(t *testing.T, f Folder) {
			write(t, filepath.Join(f.Path, ledgerFile), make([]byte, 32<<10))
		},
		"points of an unknown key set": func(t *testing.T, f Folder) {
			write(t, filepath.Join(f.Path, "000001.seg"), segmenttest.Whole(1, segmenttest.Points(9, 1, 2)))
		},
		"a record of a newer version": func(t *testing.T, f Folder) {
			write(t, filepath.Join(f.Path, "000001.seg"), segmenttest.Whole(1, segmenttest.Record(9, 0, nil)))
		},
		"a frame that was cut elsewhere": func(t *testing.T, f Folder) {
			l, err := ledger.Open(filepath.Join(f.Path, ledgerFile))
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if err := l.Cut([]ledger.Cut{{Number: 1, Segment: 1, End: segment.HeaderBytes + 16}}); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, do := range damage {
		t.Run(name, func(t *testing.T) {
			f := threeFrames(t)
			do(t, f)
			s := &taker{}
			if _, err := Drain(t.Context(), f, s.way(), Told{}); !errors.Is(err, segment.ErrUnreadable) {
				t.Errorf("got %v", err)
			}
			if !f.segments() || len(s.frames) != 0 {
				t.Errorf("segments %v, %d frames", f.segments(), len(s.frames))
			}
		})
	}
}

// A record larger than the window, and a window of nothing but key sets, are read with all that follows.
func TestWhatIsLargerThanTheWindowIsRead(t *testing.T) {
	records := [][]byte{}
	for i := range uint32(2000) {
		records = append(records, segmenttest.Keys(i+1, strings.Repeat("k", 1000), fmt.Sprint(i), strings.Repeat("l", 1000)))
	}
	records = append(records, segmenttest.Points(2000, 1, 2, 3, 4))
	f := folder(t, records...)
	s := &taker{}
	if counts, err := Drain(t.Context(), f, s.way(), Told{}); err != nil || counts.Points != 3 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestAFolderWhoseProcessDiesWhileNothingIsTakenIsGivenUp(t *testing.T) {
	f := threeFrames(t)
	owner, err := f.Owner()
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(f.Path, "000001.seg"))
	if err != nil {
		t.Fatal(err)
	}
	place := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, 1), uint64(info.Size()))
	write(t, filepath.Join(f.Path, committedFile), binary.LittleEndian.AppendUint32(place, crc32.ChecksumIEEE(place)))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := &taker{each: func(int) error {
		owner.Release()
		return errors.New("nothing is taken")
	}}
	if counts, err := Follow(ctx, f, s.way(), Told{}, nil); !errors.Is(err, ErrGone) || counts.Frames != 0 {
		t.Errorf("%+v, %v", counts, err)
	}
	s.each = nil
	if counts, err := Drain(t.Context(), f, s.way(), Told{}); err != nil || counts.Frames != 4 {
		t.Errorf("%+v, %v", counts, err)
	}
}

func TestALargeFileIsToldOfWhileItGoes(t *testing.T) {
	f := folder(t)
	content := make([]byte, 32<<20)
	if err := os.Mkdir(filepath.Join(f.Path, "artifacts"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(f.Path, "artifacts", "000001.bin"), content)
	write(t, filepath.Join(f.Path, "artifacts", "000001.json"), []byte(`{"path":"big.bin","media_type":"text/plain"}`))
	var going atomic.Bool
	told := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"run":{"info":{"artifact_uri":"mlflow-artifacts:/1/r/artifacts"}}}`)
			return
		}
		going.Store(true)
		half, err := io.CopyN(io.Discard, r.Body, int64(len(content)/2)) // more than a connection holds
		if err != nil {
			t.Error(err)
		}
		select {
		case <-told:
		case <-time.After(20 * time.Second):
			t.Error("nobody is told that the file goes")
		}
		if n, err := io.Copy(io.Discard, r.Body); half+n != int64(len(content)) || err != nil {
			t.Errorf("%d bytes, %v", n, err)
		}
	}))
	defer server.Close()
	way := (&taker{}).way()
	way.Files = files.NewUploader(server.URL, "", nil)
	once := sync.OnceFunc(func() { close(told) })
	counts, err := Drain(t.Context(), f, way, Told{Progress: func(Counts) {
		if going.Load() {
			once()
		}
	}})
	if err != nil || counts.Files != 1 {
		t.Errorf("%+v, %v", counts, err)
	}
}
