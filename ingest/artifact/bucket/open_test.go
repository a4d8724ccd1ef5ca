package bucket_test

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/ingest/artifact/bucket"
	"github.com/streamgauge/streamgauge/ingest/artifact/s3test"
)

// open opens an address that must not open, and gives the reason.
func open(t *testing.T, address string) string {
	t.Helper()
	b, err := bucket.Open(context.Background(), address)
	if err == nil {
		_ = b.Close()
		t.Fatalf("%s opens", address)
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: more than a line: %s", address, err)
	}
	return err.Error()
}

func TestWrongAddressesAreToldApart(t *testing.T) {
	for address, want := range map[string]string{
		"ftp://b/x":                 "s3://, gs:// or azblob://",
		"s3:///x":                   "the name of the bucket is missing",
		"s3://key:secret@b/x":       "AWS_ACCESS_KEY_ID",
		"s3://b/a/../c":             "..",
		"s3://b/a#c":                "#",
		"s3://b?prefix=a":           "s3://b/prefix",
		"s3://b?no_such_option=1":   "no_such_option",
		"s3://b?use_path_style=how": "how",
		"s3://b\x7f":                "no URL",
	} {
		if got := open(t, address); !strings.Contains(got, want) || strings.Contains(got, "secret@") {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestAStoreThatDoesNotOpenSaysWhy(t *testing.T) {
	s := s3test.Start(t)
	if got := open(t, "s3://another-bucket"); !strings.Contains(got, "there is no bucket 'another-bucket'") {
		t.Error(got)
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another secret")
	if got := open(t, "s3://"+s3test.Bucket); !strings.Contains(got, "cannot be reached: SignatureDoesNotMatch") {
		t.Error(got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	if got := open(t, "s3://"+s3test.Bucket+"?endpoint=http://"+l.Addr().String()); !strings.Contains(got, l.Addr().String()) || !strings.Contains(got, "connection refused") {
		t.Error(got)
	}
	t.Setenv("AWS_ENDPOINT_URL", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "a secret of tests")
	t.Setenv("MLFLOW_S3_ENDPOINT_URL", s.Endpoint)
	t.Setenv("AWS_REGION", "")
	b, err := bucket.Open(context.Background(), "s3://"+s3test.Bucket)
	if err != nil {
		t.Fatalf("MLflow's variable for the endpoint is not read: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
}

func TestStoresWithoutCredentialsSayWhichTheyWant(t *testing.T) {
	for _, name := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGEBLOB_CONNECTIONSTRING"} {
		t.Setenv(name, "")
	}
	if got := open(t, "azblob://b/x"); !strings.Contains(got, "AZURE_STORAGE_ACCOUNT") {
		t.Error(got)
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "/no/such/file")
	if got := open(t, "gs://b/x"); !strings.Contains(got, "GOOGLE_APPLICATION_CREDENTIALS") || !strings.Contains(got, "/no/such/file") {
		t.Error(got)
	}
}
