package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

const (
	// artifactTries: the best of so many counts, for a disk that writes back what came before is in nobody's hands.
	artifactTries = 3
	// memoryPeriod is how often a server's memory is looked at while it moves a file.
	memoryPeriod = 20 * time.Millisecond
)

// measureArtifacts moves one large file through the server, beside copying it. All three end with the bytes on disk.
func (b *bench) measureArtifacts() error {
	dir, err := os.MkdirTemp("", "artifact-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "large.bin")
	if err := makeFile(file, int64(b.artifactMiB)*mib); err != nil {
		return err
	}
	copied, err := best(func() error {
		from, err := os.Open(file)
		if err != nil {
			return err
		}
		defer from.Close()
		return writeFile(filepath.Join(dir, "copy.bin"), func(f *os.File) error {
			_, err := io.Copy(f, from)
			return err
		})
	})
	if err != nil {
		return err
	}
	for _, way := range []struct {
		name string
		do   func(t *target) error
	}{
		{"upload", func(t *target) error { return t.upload(file) }},
		{"download", func(t *target) error { return t.download(filepath.Join(dir, "back.bin"), int64(b.artifactMiB)*mib) }},
	} {
		work := fmt.Sprintf("%s of an artifact of %d MiB; copying the file takes %.2f s", way.name, b.artifactMiB, copied.Seconds())
		err := b.both(work, "< 1.5 x copying, memory flat", func(t *target) (string, error) {
			grown := t.watchMemory()
			took, err := best(func() error { return way.do(t) })
			return fmt.Sprintf("%.2f s, %.2f x, memory +%d MiB", took.Seconds(), took.Seconds()/copied.Seconds(), grown()/mib), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// best times the fastest of some tries.
func best(do func() error) (time.Duration, error) {
	least := time.Duration(0)
	for n := range artifactTries {
		begin := time.Now()
		if err := do(); err != nil {
			return 0, err
		}
		if took := time.Since(begin); n == 0 || took < least {
			least = took
		}
	}
	return least, nil
}

// watchMemory looks at the server's memory until the function it gives is called, which tells by how much it grew.
func (t *target) watchMemory() func() int64 {
	before, most, stop, stopped := t.rss(), int64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(memoryPeriod)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				most = max(most, t.rss())
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-stopped
		return max(most-before, 0)
	}
}

// makeFile writes bytes that cannot be compressed.
func makeFile(name string, size int64) error {
	return writeFile(name, func(f *os.File) error {
		_, err := io.CopyN(f, rand.NewChaCha8([32]byte{}), size)
		return err
	})
}

// writeFile makes a file that is on the disk in the end.
func writeFile(name string, write func(*os.File) error) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(write(f), f.Sync(), f.Close())
}

const artifactPath = "/api/2.0/mlflow-artifacts/artifacts/bench/large.bin"

func (t *target) upload(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, err := http.NewRequest(http.MethodPut, t.url+artifactPath, f)
	if err != nil {
		return err
	}
	r.ContentLength = info.Size()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(io.LimitReader(answer.Body, 300))
		return fmt.Errorf("%s: %d %s", artifactPath, answer.StatusCode, b)
	}
	return nil
}

// download reads the answer by itself: the system moves its bytes from the connection to the file, so that the
// generator costs little.
func (t *target) download(file string, size int64) error {
	host := strings.TrimPrefix(t.url, "http://")
	conn, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", artifactPath, host); err != nil {
		return err
	}
	head := bufio.NewReader(conn)
	answer, err := http.ReadResponse(head, nil)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.ContentLength >= 0 && answer.ContentLength != size {
		return fmt.Errorf("%s: %d, %d bytes", artifactPath, answer.StatusCode, answer.ContentLength)
	}
	return writeFile(file, func(f *os.File) error {
		n, err := io.CopyN(f, head, int64(head.Buffered()))
		if err != nil {
			return err
		}
		_, err = io.CopyN(f, conn, size-n)
		return err
	})
}
