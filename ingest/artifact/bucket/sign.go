package bucket

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"

	"github.com/streamgauge/streamgauge/ingest/artifact/store"
)

// probeValid is for an address that nobody gets.
const probeValid = time.Minute

// signer signs addresses of objects.
type signer struct {
	*Bucket
	// bucket is the same bucket, for signing.
	bucket *blob.Bucket
}

// SignGet signs a download.
func (s *signer) SignGet(ctx context.Context, p, disposition string, valid time.Duration) (store.Signed, error) {
	return s.sign(ctx, p, &blob.SignedURLOptions{Method: http.MethodGet, Expiry: valid, BeforeSign: func(as func(any) bool) error {
		var amazon *s3.GetObjectInput
		if as(&amazon) {
			amazon.ResponseContentDisposition = &disposition
		}
		var google *storage.SignedURLOptions
		if as(&google) {
			google.Scheme = storage.SigningSchemeV4
			google.QueryParameters = url.Values{"response-content-disposition": {disposition}}
		}
		return nil
	}})
}

// SignPut signs an upload. The type is not under the signature, which not all stores can; it is sent all the
// same.
func (s *signer) SignPut(ctx context.Context, p, mediaType string, valid time.Duration) (store.Signed, error) {
	signed, err := s.sign(ctx, p, &blob.SignedURLOptions{Method: http.MethodPut, Expiry: valid})
	if err != nil {
		return signed, err
	}
	signed.Headers["Content-Type"] = mediaType
	if strings.HasPrefix(s.address, "azblob:") {
		signed.Headers["x-ms-blob-type"] = "BlockBlob" // Azure demands to be told
	}
	return signed, nil
}

func (s *signer) sign(ctx context.Context, p string, o *blob.SignedURLOptions) (store.Signed, error) {
	k, err := s.key(p)
	if err == nil && p == "" {
		err = store.InvalidPath()
	}
	if err != nil {
		return store.Signed{}, err
	}
	address, err := s.bucket.SignedURL(ctx, k, o)
	if err != nil {
		return store.Signed{}, store.Fault("sign the address of", p, err)
	}
	return store.Signed{URL: address, Headers: map[string]string{}}, nil
}
