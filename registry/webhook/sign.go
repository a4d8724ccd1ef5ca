package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// Headers of a delivery.
const (
	SignatureHeader = "X-MLflow-Signature"
	TimestampHeader = "X-MLflow-Timestamp"
	DeliveryHeader  = "X-MLflow-Delivery-Id"
)

// Sign makes MLflow's signature of a delivery.
func Sign(secret, deliveryID string, unixSeconds int64, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(deliveryID + "." + strconv.FormatInt(unixSeconds, 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// DeliveryID names the delivery of the change at a revision to a webhook. It is the same however often that is tried
// and by whatever process, so a receiver can tell what it has had.
func DeliveryID(webhookID string, revision uint64) string {
	sum := sha256.Sum256([]byte(webhookID + "/" + strconv.FormatUint(revision, 10)))
	return UUID([16]byte(sum[:16]))
}

// UUID writes bytes in the form of a UUID of version 8, one's own making.
func UUID(b [16]byte) string {
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return fmt.Sprintf("%s-%s-%s-%s-%s", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
}

const (
	// AttemptsMax is how often a delivery is tried: with the waits between, for some five minutes. MLflow tries
	// four times; but its receivers need not outlive the restart of a machine.
	AttemptsMax = 10
	waitMin     = time.Second
	waitMax     = time.Minute
	jitterMax   = time.Second
	// retryAfterMax bounds what a receiver may ask for.
	retryAfterMax = 10 * time.Minute
)

// Outcome is what became of an attempt: the status of the answer, or 0 if there was none.
type Outcome struct {
	Status int
	// RetryAfter is what the answer asked for.
	RetryAfter time.Duration
	// Final says that no other attempt can end better: the address is not allowed.
	Final bool
}

// Delivered says whether the receiver has it. A redirection is not followed, so it has not.
func (o Outcome) Delivered() bool { return o.Status >= 200 && o.Status < 300 }

// Again says whether to try again after so many attempts, and in which time. What MLflow tries again is: no answer,
// 429 and 500, 502, 503, 504; other answers are the receiver's last word.
func (o Outcome) Again(attempts int) (time.Duration, bool) {
	switch o.Status {
	case 0, 429, 500, 502, 503, 504:
	default:
		return 0, false
	}
	if o.Final || attempts >= AttemptsMax {
		return 0, false
	}
	wait := min(waitMin<<(attempts-1), waitMax)
	if o.RetryAfter > 0 {
		return min(o.RetryAfter, retryAfterMax), true
	}
	return wait + rand.N(jitterMax), true
}
