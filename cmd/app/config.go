package app

import (
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"time"

	"github.com/spf13/pflag"

	"github.com/streamgauge/streamgauge/cmd/grafanaurl"
	"github.com/streamgauge/streamgauge/cmd/hosts"
	"github.com/streamgauge/streamgauge/consumers"
	"github.com/streamgauge/streamgauge/registry/alerts/send"
	"github.com/streamgauge/streamgauge/schemas/bus"
	"github.com/streamgauge/streamgauge/schemas/topic"
)

// Config is everything that can be set. Flags win over environment variables, these over the file.
type Config struct {
	// Data is the folder that holds everything.
	Data string
	// Addresses of HTTP, NATS, and ClickHouse's native protocol and HTTP; port 0 takes a free one.
	Listen               string
	NATSListen           string
	ClickHouseListen     string
	ClickHouseHTTPListen string
	// AllowAnonymous serves everybody who reaches Listen, while there is no token.
	AllowAnonymous bool
	// AllowedHosts are names of this server, beside those of the address.
	AllowedHosts []string
	// TLSCert and TLSKey are PEM files; both or none.
	TLSCert, TLSKey string
	// Artifacts is a folder or the URL of a bucket; empty is a folder in the data folder.
	Artifacts string
	// ArtifactsProxyOnly keeps clients from moving large files past the server.
	ArtifactsProxyOnly bool
	// MLflowUI is the folder of an installed mlflow whose pages are served too; empty for none.
	MLflowUI string
	// VersionSource is a regular expression that sources of new model versions must match; empty: all do.
	VersionSource string
	// Lanes is how many lanes new runs are spread over.
	Lanes uint16
	// RunRate and TokenRate are points a second that one run and one token may write over HTTP; 0 for no limit.
	RunRate, TokenRate float64
	// EngineLib is the path of libchdb, empty to look for it.
	EngineLib string
	// Kafka are brokers that carry the lanes, as host:port; none: NATS does. KafkaTopic is the topic.
	Kafka      []string
	KafkaTopic string
	// KafkaAccess is how they are spoken to.
	KafkaAccess topic.Access
	// SMTPURL is the mail server that tells of alerts; empty for none.
	SMTPURL string
	// GrafanaURL is the Grafana that our dashboards were provisioned into, as browsers reach it; empty for none.
	GrafanaURL string
	// LogLevel is debug, info, warn or error.
	LogLevel string

	// The rest is for tests and for machines unlike a laptop.
	LaneBytes   int64
	SafetyAge   time.Duration
	SafetyBytes int64
	TailBytes   int64
}

const (
	// laneBytesDefault: what jobs may write while ClickHouse is away before they are asked to wait.
	laneBytesDefault = 16 << 30
	// versionSourceEnv is MLflow's name for --version-source.
	versionSourceEnv = "MLFLOW_CREATE_MODEL_VERSION_SOURCE_VALIDATION_REGEX"
)

// Flags defines a flag for every field. Their texts have no backquotes: pflag takes what stands in them for the name
// of the value.
func (c *Config) Flags(f *pflag.FlagSet) {
	f.StringVar(&c.Data, "data", DataHome(os.Getenv), "folder that holds everything")
	f.StringVar(&c.Listen, "listen", "127.0.0.1:5000", "address of HTTP: MLflow's API, ours and the web page")
	f.StringVar(&c.NATSListen, "nats-listen", "127.0.0.1:4222", "address of NATS, where jobs can publish")
	f.StringVar(&c.ClickHouseListen, "clickhouse-listen", "127.0.0.1:9000", "address of ClickHouse's native protocol")
	f.StringVar(&c.ClickHouseHTTPListen, "clickhouse-http-listen", "127.0.0.1:8123", "address of ClickHouse over HTTP")
	f.BoolVar(&c.AllowAnonymous, "allow-anonymous", false, "serve everybody who reaches --listen, although there is no token")
	f.StringSliceVar(&c.AllowedHosts, "allowed-hosts", nil, "further names of this server, as browsers and clients call it: tracker.example.org,*.internal")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate for TLS, a PEM file")
	f.StringVar(&c.TLSKey, "tls-key", "", "key of the certificate, a PEM file")
	f.StringVar(&c.Artifacts, "artifacts", "", "where artifacts are kept: a folder, or s3://, gs:// or azblob://bucket/prefix (default: a folder in the data folder)")
	f.BoolVar(&c.ArtifactsProxyOnly, "artifacts-proxy-only", false, "move all artifacts through this server; for a bucket that clients cannot reach by themselves")
	f.StringVar(&c.MLflowUI, "mlflow-ui", "", "folder of an installed mlflow, whose own web page is then served at /mlflow/")
	f.StringVar(&c.VersionSource, "version-source", os.Getenv(versionSourceEnv), "regular expression that the source of a new model version must match (default: $"+versionSourceEnv+", as MLflow's server has it)")
	f.Uint16Var(&c.Lanes, "lanes", 1, "lanes that new runs are spread over; runs that are there keep theirs")
	f.Float64Var(&c.RunRate, "run-rate", 0, "points a second that one run may write over HTTP; faster ones are told to wait (0: no limit)")
	f.Float64Var(&c.TokenRate, "token-rate", 0, "points a second that one token may write over HTTP (0: no limit)")
	f.StringVar(&c.EngineLib, "engine-lib", "", "path of the ClickHouse engine, libchdb (default: where 'streamgauge engine install' puts it)")
	f.StringSliceVar(&c.Kafka, "kafka", nil, "brokers of Kafka that carry the lanes, in place of NATS: host:port,host:port")
	f.StringVar(&c.KafkaTopic, "kafka-topic", topic.NameDefault, "topic of Kafka that has the lanes, a partition each")
	kafkaAccess(f, &c.KafkaAccess)
	f.StringVar(&c.SMTPURL, "smtp-url", "", "mail server for alerts: smtp://user:password@host:587?from=name@host, or smtps://")
	f.StringVar(&c.GrafanaURL, "grafana-url", "", "Grafana with our dashboards, as browsers reach it; runs and models then link to it")
	f.StringVar(&c.LogLevel, "log-level", "info", "debug, info, warn or error")
	f.Int64Var(&c.LaneBytes, "lane-bytes", laneBytesDefault, "size limit of a lane")
	f.DurationVar(&c.SafetyAge, "safety-window", bus.SafetyWindowAge, "how long applied frames stay on their lane")
	f.Int64Var(&c.SafetyBytes, "safety-bytes", bus.SafetyWindowBytes, "how many bytes of applied frames stay on their lane")
	f.Int64Var(&c.TailBytes, "tail-bytes", consumers.TailBytesMax, "memory for points that are not in ClickHouse yet, over all lanes")
	for _, name := range []string{"lane-bytes", "safety-window", "safety-bytes", "tail-bytes"} {
		_ = f.MarkHidden(name) // the flag is defined above
	}
}

// DataHome is the platform's folder for our data.
func DataHome(getenv func(string) string) string {
	if dir := getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "streamgauge")
	}
	if runtime.GOOS == "darwin" {
		return filepath.Join(getenv("HOME"), "Library", "Application Support", "streamgauge")
	}
	return filepath.Join(getenv("HOME"), ".local", "share", "streamgauge")
}

// address is one thing to listen on, with the flag that moves it.
type address struct {
	name string
	flag string
	at   *string
}

func (c *Config) addresses() []address {
	return []address{
		{"HTTP", "listen", &c.Listen},
		{"NATS", "nats-listen", &c.NATSListen},
		{"ClickHouse", "clickhouse-listen", &c.ClickHouseListen},
		{"ClickHouse HTTP", "clickhouse-http-listen", &c.ClickHouseHTTPListen},
	}
}

// Addresses are what is listened on, by flag.
func (c *Config) Addresses() iter.Seq2[string, string] {
	return func(yield func(flag, addr string) bool) {
		for _, a := range c.addresses() {
			if !yield(a.flag, *a.at) {
				return
			}
		}
	}
}

// Check says what is wrong with the configuration by itself.
func (c *Config) Check() error {
	if err := CheckData(c.Data); err != nil {
		return err
	}
	for _, a := range c.addresses() {
		if err := checkPort(*a.at); err != nil {
			return fmt.Errorf("--%s %s: %w", a.flag, *a.at, err)
		}
		loopback, err := hosts.Loopback(*a.at)
		if err != nil {
			return fmt.Errorf("--%s %s: %w", a.flag, *a.at, err)
		}
		if !loopback && (a.at == &c.ClickHouseListen || a.at == &c.ClickHouseHTTPListen) {
			return fmt.Errorf("--%s %s: ClickHouse listens on loopback (127.0.0.1) only; reach it from elsewhere with `ssh -L`", a.flag, *a.at)
		}
	}
	for _, b := range c.Kafka {
		if err := checkPort(b); err != nil {
			return fmt.Errorf("--kafka %s: %w", b, err)
		}
	}
	if err := c.KafkaAccess.Check(); err != nil {
		return err
	}
	if c.KafkaTopic == "" {
		return fmt.Errorf("--kafka-topic is empty; name a topic, or leave it out for %s", topic.NameDefault)
	}
	if _, err := hosts.New(c.Listen, c.AllowedHosts); err != nil {
		return fmt.Errorf("--allowed-hosts: %w", err)
	}
	if _, err := c.loadTLS(time.Now()); err != nil {
		return err
	}
	if _, err := findUI(c.MLflowUI); err != nil {
		return err
	}
	if _, err := regexp.Compile(c.VersionSource); err != nil {
		return fmt.Errorf("--version-source %q is no regular expression: %w", c.VersionSource, err)
	}
	if _, err := send.NewMailer(c.SMTPURL); err != nil {
		return fmt.Errorf("--smtp-url: %w", err)
	}
	if err := grafanaurl.Check(c.GrafanaURL); err != nil {
		return fmt.Errorf("--grafana-url: %w", err)
	}
	if c.Lanes < 1 || c.Lanes > bus.LanesMax {
		return fmt.Errorf("--lanes %d: must be from 1 to %d", c.Lanes, bus.LanesMax)
	}
	for name, rate := range map[string]float64{"run-rate": c.RunRate, "token-rate": c.TokenRate} {
		if !(rate >= 0) || math.IsInf(rate, 0) {
			return fmt.Errorf("--%s %g: must be a number of points a second, 0 for no limit", name, rate)
		}
	}
	for name, n := range map[string]int64{"lane-bytes": c.LaneBytes, "safety-bytes": c.SafetyBytes, "tail-bytes": c.TailBytes, "safety-window": int64(c.SafetyAge)} {
		if n <= 0 {
			return fmt.Errorf("--%s must be greater than 0", name)
		}
	}
	return nil
}

// CheckData refuses a data folder without a name, as an unset variable gives one: it would be the working folder.
func CheckData(dir string) error {
	if dir == "" {
		return fmt.Errorf("--data is empty; name a folder, or leave it out for %s", DataHome(os.Getenv))
	}
	return nil
}

// CheckOpen refuses addresses that others can reach: it is for a data folder without tokens.
func (c *Config) CheckOpen() error {
	const remedy = "others can reach this address, and there is no token yet; make one with `streamgauge token create --data %s`, or stay on loopback (127.0.0.1)"
	if open, err := hosts.Loopback(c.Listen); err != nil || !open && !c.AllowAnonymous {
		return fmt.Errorf("--listen %s: "+remedy+", or serve everybody with --allow-anonymous", c.Listen, c.Data)
	}
	if open, err := hosts.Loopback(c.NATSListen); err != nil || !open {
		return fmt.Errorf("--nats-listen %s: "+remedy, c.NATSListen, c.Data)
	}
	return nil
}

// versionSource is --version-source, which Check has compiled before; nil if it is empty.
func (c *Config) versionSource() *regexp.Regexp {
	if c.VersionSource == "" {
		return nil
	}
	return regexp.MustCompile(c.VersionSource)
}
