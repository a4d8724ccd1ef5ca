package bucket

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"gocloud.dev/blob"
	"gocloud.dev/blob/s3blob"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
	"github.com/streamgauge/streamgauge/schemas/track"
)

// partValid is how long the address of a part holds: as long as MLflow's.
const partValid = time.Hour

// parts takes uploads in parts from clients, by S3's own API: gocloud.dev has none for it.
type parts struct {
	b      *Bucket
	name   string
	client *s3.Client
}

// newParts gives what signs, too. Its client signs no checksum: of what a client will send, none is known yet.
func newParts(b *Bucket, client *s3.Client, name string) (*parts, *blob.Bucket) {
	client = s3.New(client.Options(), func(o *s3.Options) {
		o.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
	})
	signing, err := s3blob.OpenBucket(context.Background(), client, name, nil)
	if err != nil {
		return nil, b.bucket // cannot be: it has a client and a name
	}
	return &parts{b, name, client}, signing
}

// Begin begins an upload and signs the address of every part.
func (x *parts) Begin(ctx context.Context, p, mediaType string, n int) (id string, urls []string, err error) {
	k, err := x.b.key(p)
	if err != nil {
		return "", nil, err
	}
	begun, err := x.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: &x.name, Key: &k, ContentType: &mediaType})
	if err != nil {
		return "", nil, partFault("begin the upload of", p, "", err)
	}
	presign := s3.NewPresignClient(x.client, s3.WithPresignExpires(partValid))
	urls = make([]string, n)
	for i := range urls {
		part := &s3.UploadPartInput{Bucket: &x.name, Key: &k, UploadId: begun.UploadId, PartNumber: aws.Int32(int32(i + 1))}
		signed, err := presign.PresignUploadPart(ctx, part)
		if err != nil {
			return "", nil, partFault("sign the upload of", p, *begun.UploadId, errors.Join(err, x.Abort(ctx, p, *begun.UploadId)))
		}
		urls[i] = signed.URL
	}
	return *begun.UploadId, urls, nil
}

// Complete makes a file of its parts.
func (x *parts) Complete(ctx context.Context, p, id string, uploaded []store.Part) error {
	k, err := x.b.key(p)
	if err != nil {
		return err
	}
	all := make([]types.CompletedPart, len(uploaded))
	for i, part := range uploaded {
		all[i] = types.CompletedPart{PartNumber: &part.Number, ETag: &part.ETag}
	}
	_, err = x.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: &x.name, Key: &k, UploadId: &id, MultipartUpload: &types.CompletedMultipartUpload{Parts: all},
	})
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "NoSuchUpload" && x.completed(ctx, k, uploaded) {
		return nil // the client repeats what it had no answer to
	}
	return partFault("complete the upload of", p, id, err)
}

// completed says whether an object is the one that parts make.
func (x *parts) completed(ctx context.Context, k string, uploaded []store.Part) bool {
	tag, ok := wholeTag(uploaded)
	if !ok {
		return false
	}
	found, err := x.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &x.name, Key: &k})
	return err == nil && strings.Trim(aws.ToString(found.ETag), `"`) == tag
}

// wholeTag is the tag that S3 gives to what it makes of parts: a sum of their sums, and their number.
func wholeTag(uploaded []store.Part) (string, bool) {
	sum := md5.New()
	for _, part := range uploaded {
		b, err := hex.DecodeString(strings.Trim(part.ETag, `"`))
		if err != nil || len(b) != md5.Size {
			return "", false
		}
		sum.Write(b)
	}
	return fmt.Sprintf("%x-%d", sum.Sum(nil), len(uploaded)), true
}

// Abort drops an upload and its parts.
func (x *parts) Abort(ctx context.Context, p, id string) error {
	k, err := x.b.key(p)
	if err != nil {
		return err
	}
	_, err = x.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &x.name, Key: &k, UploadId: &id})
	return partFault("abort the upload of", p, id, err)
}

// partFault tells what a client did wrong from what is wrong with the store.
func partFault(what, p, id string, err error) error {
	var api smithy.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "NoSuchUpload":
			return track.Errorf(track.ResourceDoesNotExist, "There is no upload with upload_id='%s' of '%s'; it was completed, aborted or never begun", id, p)
		case "InvalidPart", "InvalidPartOrder", "EntityTooSmall", "MalformedXML", "InvalidArgument", "InvalidRequest":
			return track.Errorf(track.InvalidParameterValue, "Invalid value for parameter 'parts': %s: %s", api.ErrorCode(), api.ErrorMessage())
		case "AccessDenied":
			return track.Errorf(track.PermissionDenied, "The artifact store does not let this server %s '%s': %s", what, p, api.ErrorMessage())
		}
	}
	if err != nil {
		return store.Fault(what, p, err)
	}
	return nil
}
