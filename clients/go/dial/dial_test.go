package dial_test

import (
	"strings"
	"testing"
	"time"

	"github.com/streamgauge/streamgauge/clients/go/dial"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

func TestAnAddressIsUnderstoodOrNamed(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:5000":              "http://127.0.0.1:5000",
		"https://user:secret@tracker/base/":  "https://tracker/base",
		"nats://127.0.0.1:1":                 "nats://127.0.0.1:1",
		"nats://user:secret@127.0.0.1:1":     "nats://127.0.0.1:1",
		"kafka://127.0.0.1:1":                "kafka://127.0.0.1:1",
		"kafka://one:1,two:2/frames?lanes=4": "kafka://one:1,two:2/frames?lanes=4",
		"kafka://one:1/a/b":                  "then \"b\"",
		"kafka://one:1/a?lanes=0":            "--lanes",
		"kafka://one:1/a?lanes=many":         "--lanes",
		"tcp://one:1":                        "must be like",
		"127.0.0.1:5000":                     "must be like",
		"http://":                            "must be like",
		"":                                   "must be like",
		"nats://user:secret@bad host":        "must be like",
		"kafka://user:secret@one:1,two:2/x":  "--kafka-user",
		"kafka://user:secret@one:1":          "--kafka-user",
	} {
		s, err := dial.To(address, dial.Options{})
		got := ""
		if err != nil {
			got = err.Error()
		} else {
			got = s.Address
			s.Close()
		}
		if err == nil && got != want || err != nil && !strings.Contains(got, want) || strings.Contains(got, "secret") {
			t.Errorf("%s is %q, want %q", address, got, want)
		}
	}
}

func TestWrongAccessToKafkaIsNamedAtOnce(t *testing.T) {
	_, err := dial.To("kafka://127.0.0.1:1", dial.Options{Kafka: topic.Access{SASL: "plain", User: "u", Password: "p"}})
	if err == nil || !strings.Contains(err.Error(), "--kafka-tls") {
		t.Errorf("got %v", err)
	}
}

func TestNATSThatIsAwayIsNamedWithTheReason(t *testing.T) {
	s, err := dial.To("nats://127.0.0.1:1", dial.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	to, end, err := s.Way().Open()
	if err != nil {
		t.Fatal(err)
	}
	defer end()
	said := ""
	for !strings.Contains(said, "refused") { // it is tried in the background
		if n, err := to.Send(t.Context(), [][]byte{{1}}); n != 0 || err == nil || !strings.Contains(err.Error(), "no connection to nats://127.0.0.1:1") {
			t.Fatalf("%d, %v", n, err)
		} else {
			said = err.Error()
		}
		time.Sleep(10 * time.Millisecond)
	}
}
