package streamgauge

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

func TestWhatAnswersMean(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		retryAfter string
		body       string
		accepted   int
		refused    bool
		later      time.Duration
		fails      bool
	}{
		"all taken":                {200, "", `{"accepted":3,"bytes":9}`, 3, false, 0, false},
		"fewer and no reason":      {200, "", `{"accepted":2}`, 2, false, 0, true},
		"more than were sent":      {200, "", `{"accepted":4}`, 0, false, 0, true},
		"malformed":                {400, "", `{"error_code":"X","message":"m","accepted":1,"offset":4}`, 1, true, 0, true},
		"the request is wrong":     {400, "", `{"error_code":"X","message":"m"}`, 0, false, 0, true},
		"a frame is too large":     {413, "", `{"accepted":0,"offset":0}`, 0, true, 0, true},
		"the request is too large": {413, "", `{"accepted":2,"offset":8}`, 2, false, 0, true},
		"the run is another's":     {403, "", `{"accepted":1,"offset":4}`, 1, true, 0, true},
		"the token is too weak":    {403, "", `{"error_code":"PERMISSION_DENIED"}`, 0, false, accessPause, true},
		"no token":                 {401, "", `{"error_code":"UNAUTHENTICATED"}`, 0, false, accessPause, true},
		"lane full":                {429, "7", `{"accepted":1,"offset":4}`, 1, false, 7 * time.Second, true},
		"away":                     {503, "1", `{"accepted":0,"offset":0}`, 0, false, time.Second, true},
		"a proxy's page":           {502, "", `<html>`, 0, false, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			var got []byte
			var head http.Header
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got, _ = io.ReadAll(r.Body)
				head = r.Header
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			to, err := NewHTTP(server.URL+"/", HTTPOptions{Token: "sg_x"})
			if err != nil {
				t.Fatal(err)
			}
			accepted, err := to.Send(t.Context(), [][]byte{[]byte("one"), []byte("two"), []byte("333")})
			var refused *Refused
			var later *Later
			if accepted != tt.accepted || (err != nil) != tt.fails || errors.As(err, &refused) != tt.refused {
				t.Errorf("%d, %v", accepted, err)
			}
			if tt.later > 0 && (!errors.As(err, &later) || later.After != tt.later) {
				t.Errorf("%v", err)
			}
			want := protowire.AppendBytes(protowire.AppendBytes(protowire.AppendBytes(nil, []byte("one")), []byte("two")), []byte("333"))
			if !bytes.Equal(got, want) || head.Get("Authorization") != "Bearer sg_x" || head.Get("Content-Type") != "application/x-protobuf" {
				t.Errorf("sent %q with %v", got, head)
			}
		})
	}
}

func TestLargeLotsAreSplit(t *testing.T) {
	for name, tt := range map[string]struct {
		frames   int
		bytes    int
		requests int
	}{"by bytes": {20, 1 << 20, 3}, "by number": {2*requestFramesMax + 1, 10, 3}, "one": {1, 1 << 20, 1}, "none": {0, 0, 0}} {
		requests := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			b, _ := io.ReadAll(r.Body)
			n := 0
			for ; len(b) > 0; n++ {
				_, size := protowire.ConsumeBytes(b)
				b = b[size:]
			}
			_, _ = io.WriteString(w, `{"accepted":`+strconv.Itoa(n)+`}`)
		}))
		to, err := NewHTTP(server.URL, HTTPOptions{})
		if err != nil {
			t.Fatal(err)
		}
		frames := make([][]byte, tt.frames)
		for i := range frames {
			frames[i] = make([]byte, tt.bytes)
		}
		accepted, err := to.Send(t.Context(), frames)
		if accepted != tt.frames || err != nil || requests != tt.requests {
			t.Errorf("%s: %d frames in %d requests: %v", name, accepted, requests, err)
		}
		server.Close()
	}
}

func TestAddressesAreChecked(t *testing.T) {
	for _, bad := range []string{"", "localhost:5000", "ftp://x", "http://"} {
		if _, err := NewHTTP(bad, HTTPOptions{}); err == nil {
			t.Errorf("%q is taken for an address", bad)
		}
	}
}
