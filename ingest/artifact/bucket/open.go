package bucket

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	_ "gocloud.dev/blob/azureblob" // azblob:
	_ "gocloud.dev/blob/gcsblob"   // gs:
	_ "gocloud.dev/blob/s3blob"    // s3:
	"gocloud.dev/gcerrors"
	"gocloud.dev/gcp"
)

// openTimeout bounds the first look at a bucket: without credentials the libraries ask around for some.
const openTimeout = 15 * time.Second

// regionDefault is for servers that speak S3 and have no regions; a signature needs one all the same.
const regionDefault = "us-east-1"

// Open opens the bucket of an address such as s3://bucket/prefix?region=eu-central-1 and looks whether it can be
// listed. Errors are one line and do not repeat the address. Credentials come from the environment and from
// where else the stores' libraries look, never from the address.
func Open(ctx context.Context, address string) (*Bucket, error) {
	return open(ctx, address, os.Getenv)
}

func open(ctx context.Context, address string, getenv func(string) string) (*Bucket, error) {
	u, err := parse(address, getenv)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	b := &Bucket{prefix: u.Path, address: strings.TrimSuffix(u.Scheme+"://"+u.Host+"/"+u.Path, "/")}
	u.Path = ""
	if err := checkGoogle(ctx, u, getenv); err != nil {
		return nil, err
	}
	if b.bucket, err = blob.OpenBucket(ctx, u.String()); err != nil {
		return nil, oneLine(err)
	}
	if _, _, err := b.bucket.ListPage(ctx, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: b.prefix}); err != nil {
		return nil, errors.Join(unreachable(u.Host, err), b.bucket.Close())
	}
	b.sign(ctx, u.Host)
	return b, nil
}

// parse checks an address; the path of what it gives is the prefix, without a slash before and with one behind
// it.
func parse(address string, getenv func(string) string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil:
		return nil, errors.New("this is no URL; want one such as s3://bucket/prefix")
	case u.Scheme != "s3" && u.Scheme != "gs" && u.Scheme != "azblob":
		return nil, fmt.Errorf("want a folder, or a URL that begins with s3://, gs:// or azblob://")
	case u.Host == "":
		return nil, fmt.Errorf("the name of the bucket is missing; want %s://bucket/prefix", u.Scheme)
	case u.User != nil:
		return nil, errors.New("credentials do not belong in the URL; set the environment variables of the store, such as AWS_ACCESS_KEY_ID")
	case u.Fragment != "" || strings.Contains(u.Path, ".."):
		return nil, errors.New("the prefix must have no '..' and no '#'")
	case u.Query().Has("prefix") || u.Query().Has("key"):
		return nil, fmt.Errorf("the prefix stands in the path; want %s://%s/prefix", u.Scheme, u.Host)
	}
	if u.Path = strings.Trim(u.Path, "/"); u.Path != "" {
		u.Path += "/"
	}
	u.RawPath = ""
	switch u.Scheme {
	case "s3":
		u.RawQuery = completeS3(u.Query(), getenv).Encode()
	case "azblob":
		if getenv("AZURE_STORAGE_ACCOUNT") == "" && getenv("AZURE_STORAGE_CONNECTION_STRING") == "" && !u.Query().Has("storage_account") {
			return nil, errors.New("set AZURE_STORAGE_ACCOUNT, and AZURE_STORAGE_KEY where no other identity is at hand, or AZURE_STORAGE_CONNECTION_STRING")
		}
	}
	return u, nil
}

// completeS3 sets what servers other than Amazon's need, as MLflow's client does.
func completeS3(q url.Values, getenv func(string) string) url.Values {
	if endpoint := getenv("MLFLOW_S3_ENDPOINT_URL"); endpoint != "" && !q.Has("endpoint") {
		q.Set("endpoint", endpoint)
	}
	if !q.Has("endpoint") && getenv("AWS_ENDPOINT_URL") == "" && getenv("AWS_ENDPOINT_URL_S3") == "" {
		return q
	}
	if !q.Has("use_path_style") && !q.Has("s3ForcePathStyle") {
		q.Set("use_path_style", "true")
	}
	if !q.Has("region") && getenv("AWS_REGION") == "" && getenv("AWS_DEFAULT_REGION") == "" {
		q.Set("region", regionDefault)
	}
	return q
}

// checkGoogle looks for Google's credentials. Its library goes on without any, and then says nothing that helps.
func checkGoogle(ctx context.Context, u *url.URL, getenv func(string) string) error {
	if u.Scheme != "gs" || getenv("STORAGE_EMULATOR_HOST") != "" || u.Query().Get("anonymous") == "true" {
		return nil
	}
	if _, err := gcp.DefaultCredentials(ctx); err != nil {
		return fmt.Errorf("set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials: %w", oneLine(err))
	}
	return nil
}

// unreachable says why a bucket does not open, and what helps.
func unreachable(name string, err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("there is no bucket '%s', or its region or endpoint is another; make it first", name)
	case gcerrors.PermissionDenied:
		return fmt.Errorf("the credentials in the environment do not open bucket '%s': %w", name, oneLine(err))
	}
	return fmt.Errorf("bucket '%s' cannot be reached: %w", name, oneLine(err))
}

// oneLine keeps what a person needs of a library's error, on a line.
func oneLine(err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		return fmt.Errorf("%s: %s", api.ErrorCode(), api.ErrorMessage())
	}
	text := err.Error()
	var request *url.Error
	if errors.As(err, &request) {
		text = request.Err.Error() // without an address of many arguments
	}
	return errors.New(strings.Join(strings.Fields(text), " "))
}

// sign finds out what the store can sign.
func (b *Bucket) sign(ctx context.Context, name string) {
	s := &signer{Bucket: b, bucket: b.bucket}
	var client *s3.Client
	if b.bucket.As(&client) {
		parts, bucket := newParts(b, client, name)
		b.multipart, s.bucket = parts, bucket
	}
	if _, err := s.SignGet(ctx, "probe", "attachment", probeValid); err == nil {
		b.signer = s
	}
}
