package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	lockFile  = "lock"
	portsFile = "ports.json"
)

// folder is the data folder, held by this process alone.
type folder struct {
	dir  string
	lock *os.File
}

// openFolder makes the data folder if needed and takes its lock, which ends with the process.
func openFolder(dir string) (*folder, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("data folder %s: %w", dir, err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return nil, fmt.Errorf("the data folder %s cannot be made: %w; choose another with --data", abs, err)
	}
	f, err := os.OpenFile(filepath.Join(abs, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder %s is not writable: %w; choose another with --data", abs, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close()
		return nil, heldBy(abs, f)
	}
	if err := writeAll(f, fmt.Sprintf("%d\n", os.Getpid())); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("the data folder %s is not writable: %w; free some space or choose another with --data", abs, err)
	}
	return &folder{dir: abs, lock: f}, nil
}

func heldBy(dir string, f *os.File) error {
	b, err := io.ReadAll(f)
	pid := strings.TrimSpace(string(b))
	if err != nil || pid == "" {
		pid = "unknown"
	}
	return fmt.Errorf("the data folder %s is in use by the streamgauge with process id %s; stop that one or choose another with --data", dir, pid)
}

func writeAll(f *os.File, text string) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

func (f *folder) path(name string) string { return filepath.Join(f.dir, name) }

// Ports say where a running server listens; programs read them from ports.json of its data folder.
type Ports struct {
	PID  int    `json:"pid"`
	HTTP string `json:"http"`
	// CertificateSHA256 is of the certificate that HTTP and NATS show, "" without TLS.
	CertificateSHA256 string `json:"certificate_sha256,omitempty"`
	NATS              string `json:"nats"`
	ClickHouse        string `json:"clickhouse"`
	ClickHouseHTTP    string `json:"clickhouse_http"`
}

// URL is where the server's own machine reaches HTTP.
func (p Ports) URL() string {
	if p.CertificateSHA256 != "" {
		return "https://" + p.Near(p.HTTP)
	}
	return "http://" + p.Near(p.HTTP)
}

// NATSURL is where it reaches NATS.
func (p Ports) NATSURL() string {
	if p.CertificateSHA256 != "" {
		return "tls://" + p.Near(p.NATS)
	}
	return "nats://" + p.Near(p.NATS)
}

// Near is an address of these as one that this machine can connect to.
func (Ports) Near(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host != "" && (ip == nil || !ip.IsUnspecified()) {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}

func (f *folder) writePorts(p Ports) error {
	b, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return fmt.Errorf("encode ports: %w", err)
	}
	// Readers poll for the file: it appears complete or not at all.
	next := f.path(portsFile + ".new")
	if err := os.WriteFile(next, append(b, '\n'), 0o600); err != nil {
		return fmt.Errorf("write ports: %w", err)
	}
	if err := os.Rename(next, f.path(portsFile)); err != nil {
		return fmt.Errorf("write ports: %w", err)
	}
	return nil
}

// ReadPorts finds the server of a data folder.
func ReadPorts(dir string) (Ports, error) {
	var p Ports
	b, err := os.ReadFile(filepath.Join(dir, portsFile))
	if errors.Is(err, os.ErrNotExist) {
		return p, fmt.Errorf("no server runs on the data folder %s; start one with `streamgauge up --data %s`", dir, dir)
	}
	if err != nil {
		return p, fmt.Errorf("read ports: %w", err)
	}
	if err := json.Unmarshal(b, &p); err != nil {
		return p, fmt.Errorf("read ports: %w", err)
	}
	return p, nil
}

// Held says whether a process holds a data folder.
func Held(dir string) bool {
	f, err := os.OpenFile(filepath.Join(dir, lockFile), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close() // and with it the lock
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

func (f *folder) close() {
	_ = os.Remove(f.path(portsFile)) // it says where nothing listens any more
	_ = f.lock.Close()
}
