package artifact_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/track"
)

// onDisk are all files, whatever their names.
func (x *proxy) onDisk(t *testing.T) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(x.dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, filepath.Base(p))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// breakOff begins an upload to f and ends it after some bytes.
func (x *proxy) breakOff(t *testing.T, header string, bytes int) {
	t.Helper()
	conn, err := net.Dial("tcp", x.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	chunk := strings.Repeat("y", bytes)
	if strings.HasPrefix(header, "Transfer") {
		chunk = fmt.Sprintf("%x\r\n%s\r\n", len(chunk), chunk)
	}
	fmt.Fprintf(conn, "PUT %s/f HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n%s", files, header, chunk)
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil && answer.StatusCode == 200 {
		t.Errorf("%s: a broken upload is acknowledged", header)
	}
}

func TestABrokenUploadLeavesWhatWasThere(t *testing.T) {
	x := start(t)
	x.put(t, "f", "before")
	for _, header := range []string{"Content-Length: 1000000", "Transfer-Encoding: chunked"} {
		x.breakOff(t, header, 50_000)
	}
	same(t, x.onDisk(t), "f")
	if _, text, _ := x.ask(t, http.MethodGet, files+"/f", nil); text != "before" {
		t.Errorf("the file holds %.20q", text)
	}
}

// endless is a body of n bytes that takes no memory.
type endless struct {
	n    int64
	at   func(left int64)
	seed *rand.ChaCha8
}

func (e *endless) Read(p []byte) (int, error) {
	if e.n == 0 {
		return 0, io.EOF
	}
	if e.at != nil {
		e.at(e.n)
	}
	p = p[:min(int64(len(p)), e.n)]
	e.n -= int64(len(p))
	return e.seed.Read(p)
}

func TestLargeFilesStreamBothWays(t *testing.T) {
	start(t).large(t)
}

// large sends a file up and down, and looks at the memory of the process.
func (x *proxy) large(t *testing.T) {
	t.Helper()
	const size = 200 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	body := &endless{n: size, seed: rand.NewChaCha8([32]byte{1})}
	r, err := http.NewRequest(http.MethodPut, "http://"+x.address+files+"/large", body) // chunked: its length is not told
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != 200 {
		t.Fatalf("%v %v", answer, err)
	}
	answer.Body.Close()
	if answer, err = http.Get("http://" + x.address + files + "/large"); err != nil || answer.ContentLength != size {
		t.Fatalf("%v %v", answer, err)
	}
	defer answer.Body.Close()
	want, got, wanted := &endless{n: size, seed: rand.NewChaCha8([32]byte{1})}, make([]byte, 1<<20), make([]byte, 1<<20)
	for range size >> 20 {
		_, e1 := io.ReadFull(answer.Body, got)
		_, e2 := io.ReadFull(want, wanted)
		if err := errors.Join(e1, e2); err != nil || !bytes.Equal(got, wanted) {
			t.Fatalf("the file differs: %v", err)
		}
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.Sys) - int64(before.Sys); grown > size/4 {
		t.Errorf("the process grew by %d MiB over a file of %d", grown>>20, size>>20)
	}
}

func TestADiskThatFillsUpRefusesAndLeavesNothing(t *testing.T) {
	x := start(t)
	x.put(t, "f", "before")
	full := track.Unavailable(track.TemporarilyUnavailable, 5, "the disk is full")
	body := &endless{n: 60 << 20, seed: rand.NewChaCha8([32]byte{2}), at: func(left int64) {
		if left < 50<<20 {
			x.full(full)
		}
	}}
	if status, text, _ := x.ask(t, http.MethodPut, files+"/f", body); status != 503 || !strings.Contains(text, "full") {
		t.Errorf("%d %s", status, text)
	}
	if status, _, _ := x.ask(t, http.MethodPut, files+"/g", strings.NewReader("x")); status != 503 {
		t.Errorf("%d on a full disk", status)
	}
	same(t, x.onDisk(t), "f")
	if status, _, _ := x.ask(t, http.MethodDelete, files+"/f", nil); status != 200 {
		t.Errorf("%d: deleting is refused, which is what helps", status)
	}
	x.full(nil)
	x.put(t, "g", "x")
}
