package shipping

import (
	"cmp"
	"errors"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/streamgauge/streamgauge/clients/go/dial"
	"github.com/streamgauge/streamgauge/cmd/app"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

const (
	urlDefault = "http://127.0.0.1:5000"
	urlEnv     = "STREAMGAUGE_URL"
	tokenEnv   = "STREAMGAUGE_TOKEN"
	// mlflowTokenEnv has a token where tokenEnv has none, as for the Python library.
	mlflowTokenEnv = "MLFLOW_TRACKING_TOKEN"
)

// target is where spools go. Its environment variables are those of the Python library.
type target struct {
	getenv     func(string) string
	url, nats  string
	token      string
	kafka      []string
	kafkaTopic string
	kafkaLanes uint16
	access     topic.Access
}

// addTarget defines the flags that name a server.
func addTarget(cmd *cobra.Command, getenv func(string) string) *target {
	t := &target{getenv: getenv}
	f := cmd.Flags()
	f.StringVar(&t.url, "url", "", "address of the server: http://host:port, nats://host:port or kafka://host:port,host:port/topic, also "+urlEnv+" (default: "+urlDefault+")")
	f.StringVar(&t.nats, "nats", "", "reach the server over NATS alone: host:port, or nats://host:port")
	f.StringSliceVar(&t.kafka, "kafka", nil, "reach the server over Kafka alone: brokers as host:port,host:port")
	f.StringVar(&t.kafkaTopic, "kafka-topic", topic.NameDefault, "topic of Kafka that has the lanes")
	f.Uint16Var(&t.kafkaLanes, "kafka-lanes", 0, "lanes that the server spreads runs over, its --lanes (0: as many as the topic has partitions)")
	f.StringVar(&t.token, "token", "", "token of role write; better in "+tokenEnv)
	env := func(name string) string { return getenv(app.EnvName(name)) }
	f.BoolVar(&t.access.TLS, "kafka-tls", switchedOn(env("kafka-tls")), "speak TLS with the brokers")
	f.StringVar(&t.access.CA, "kafka-ca", env("kafka-ca"), "who signs the brokers' certificates, a PEM file (default: those that the machine trusts)")
	f.StringVar(&t.access.Cert, "kafka-cert", env("kafka-cert"), "certificate for the brokers, a PEM file")
	f.StringVar(&t.access.Key, "kafka-key", env("kafka-key"), "key of that certificate, a PEM file")
	f.StringVar(&t.access.SASL, "kafka-sasl", env("kafka-sasl"), "log in to the brokers: plain, scram-sha-256 or scram-sha-512; the password is in STREAMGAUGE_KAFKA_PASSWORD")
	f.StringVar(&t.access.User, "kafka-user", env("kafka-user"), "user of --kafka-sasl")
	cmd.MarkFlagsMutuallyExclusive("url", "nats", "kafka")
	return t
}

func switchedOn(text string) bool {
	on, err := strconv.ParseBool(text)
	return on && err == nil
}

// address is the server's, in one line.
func (t *target) address() string {
	switch {
	case t.nats != "":
		if strings.Contains(t.nats, "://") {
			return t.nats
		}
		return "nats://" + t.nats
	case len(t.kafka) > 0:
		a := "kafka://" + strings.Join(t.kafka, ",") + "/" + t.kafkaTopic
		if t.kafkaLanes > 0 {
			a += "?" + url.Values{"lanes": {strconv.Itoa(int(t.kafkaLanes))}}.Encode()
		}
		return a
	}
	return cmp.Or(t.url, t.getenv(urlEnv), urlDefault)
}

// dial opens the way to the server.
func (t *target) dial(warned func(string)) (*dial.Server, error) {
	access := t.access
	if access.SASL != "" {
		access.Password = t.getenv(app.EnvName("kafka-password"))
	}
	return dial.To(t.address(), dial.Options{
		Token: cmp.Or(t.token, t.getenv(tokenEnv), t.getenv(mlflowTokenEnv)), Kafka: access, Warned: warned,
	})
}

// spoolHome is where the Python library keeps spools unless it is told otherwise.
func spoolHome(getenv func(string) string) (string, error) {
	if dir := getenv("STREAMGAUGE_DIR"); dir != "" {
		return dir, nil
	}
	home := cmp.Or(getenv("XDG_STATE_HOME"), filepath.Join(getenv("HOME"), ".local", "state"))
	if !filepath.IsAbs(home) {
		return "", errors.New("there is no home folder; name the folder of the spools, which the library prints at a run's end")
	}
	return filepath.Join(home, "streamgauge", "spool"), nil
}
