// Package s3test starts a real server of S3 for tests, on loopback and in a folder of its own.
package s3test

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// Bucket is the bucket that a server has.
const Bucket = "artifacts"

// startTimeout bounds the start of a server.
const startTimeout = 20 * time.Second

// Server is a running server.
type Server struct {
	// Endpoint is its address, http://127.0.0.1:port.
	Endpoint string
	// Dir holds the objects of Bucket, as files named by their keys.
	Dir string
	// Stop ends the server.
	Stop func()
}

// Start starts a server that ends with the test, and sets the environment variables that its clients read. Where the
// server cannot be built, the test is skipped.
func Start(t *testing.T) Server {
	t.Helper()
	command := build(t)
	s := Server{Endpoint: "http://" + freeAddress(t), Dir: filepath.Join(t.TempDir(), Bucket)}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "tester", "AWS_SECRET_ACCESS_KEY": "a secret of tests", "AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL": s.Endpoint,
		"AWS_EC2_METADATA_DISABLED": "true", "ROOT_ACCESS_KEY": "tester", "ROOT_SECRET_KEY": "a secret of tests",
	} {
		t.Setenv(name, value)
	}
	var said bytes.Buffer
	gateway := exec.Command(command, "--port", s.Endpoint[len("http://"):], "--quiet", "--keep-alive",
		"posix", "--sidecar", t.TempDir(), filepath.Dir(s.Dir))
	gateway.Stdout, gateway.Stderr = &said, &said
	gateway.SysProcAttr = dieWithParent()
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = gateway.Wait(); close(ended) }()
	s.Stop = func() { _ = gateway.Process.Signal(syscall.SIGKILL); <-ended }
	t.Cleanup(s.Stop)
	for end := time.Now().Add(startTimeout); ; {
		c, err := net.Dial("tcp", s.Endpoint[len("http://"):])
		if err == nil {
			_ = c.Close()
			return s
		}
		select {
		case <-ended:
			t.Fatalf("the S3 server ended: %s", said.String())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatalf("the S3 server does not answer after %v: %v", startTimeout, err)
		}
	}
}

// build gives the server's binary, made if it is missing.
func build(t *testing.T) string {
	t.Helper()
	_, here, _, _ := runtime.Caller(0)
	root := filepath.Join(filepath.Dir(here), "..", "..", "..")
	if out, err := exec.Command("sh", filepath.Join(root, "build", "s3server.sh")).CombinedOutput(); err != nil {
		t.Skipf("the S3 server that this test needs cannot be built: %v: %s", err, out)
	}
	return filepath.Join(root, ".build", "s3server")
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
