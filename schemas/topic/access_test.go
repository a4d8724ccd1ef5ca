package topic_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/streamgauge/streamgauge/schemas/topic"
)

func TestAccessSaysWhatIsMissing(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		access topic.Access
		want   string
	}{
		"in the clear":               {topic.Access{}, ""},
		"encrypted":                  {topic.Access{TLS: true}, ""},
		"plain over TLS":             {topic.Access{TLS: true, SASL: "plain", User: "u", Password: "p"}, ""},
		"scram in the clear":         {topic.Access{SASL: "SCRAM-SHA-512", User: "u", Password: "p"}, ""},
		"plain in the clear":         {topic.Access{SASL: "PLAIN", User: "u", Password: "p"}, "--kafka-tls"},
		"a login without a password": {topic.Access{SASL: "scram-sha-256", User: "u"}, "STREAMGAUGE_KAFKA_PASSWORD"},
		"a user without a mechanism": {topic.Access{User: "u"}, "--kafka-sasl"},
		"an unknown mechanism":       {topic.Access{SASL: "gssapi", User: "u", Password: "p"}, "scram-sha-512"},
		"a key without certificate":  {topic.Access{Key: empty}, "--kafka-cert"},
		"a CA that is not there":     {topic.Access{CA: empty + "x"}, "--kafka-ca"},
		"a CA without certificates":  {topic.Access{CA: empty}, "PEM"},
		"an empty certificate":       {topic.Access{Cert: empty, Key: empty}, "--kafka-cert"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := topic.OpenAs([]string{"127.0.0.1:1"}, "x", tc.access)
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}
