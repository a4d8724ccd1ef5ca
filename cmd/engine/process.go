package engine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
)

// tailBytesMax of the child's standard error are kept to say why it ended.
const tailBytesMax = 4 << 10

func (s *Supervisor) launch() (*exec.Cmd, *tail, error) {
	exe, err := executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(exe, "engine", "run", "--dir", s.o.Dir, "--listen", s.o.Listen,
		"--http-listen", s.o.HTTPListen, "--library", s.o.Library)
	// The name that a list of processes shows.
	cmd.Args[0] = "streamgauge"
	said := &tail{}
	cmd.Stderr = said
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("make the engine's pipe: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping() {
		return nil, nil, errors.New("the engine is being stopped")
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the engine: %w", err)
	}
	s.process, s.stdin = cmd.Process, stdin
	return cmd, said, nil
}

// executable is this very program, also when the file was replaced by a newer one since.
func executable() (string, error) {
	const self = "/proc/self/exe"
	if _, err := os.Stat(self); err == nil {
		return self, nil
	}
	exe, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find our own binary: %w", err)
	}
	return exe, nil
}

// announcement is what the engine says at each start: where its log is. It explains no end.
const announcement = "Logging "

func withTail(err error, t *tail) error {
	if err == nil {
		return nil
	}
	lines := slices.DeleteFunc(strings.Split(t.String(), "\n"), func(l string) bool { return strings.HasPrefix(l, announcement) })
	if said := strings.TrimSpace(strings.Join(lines, "\n")); said != "" {
		return fmt.Errorf("%w: %s", err, said)
	}
	return err
}

// tail keeps the last bytes of what a process says.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	t.b = t.b[max(0, len(t.b)-tailBytesMax):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(bytes.TrimSpace(t.b))
}
