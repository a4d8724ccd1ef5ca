package access

import "strings"

// Reach is how a route gets at experiments, which decides what a confined token may do there.
type Reach uint8

const (
	// Whole reaches everything at once: it is closed to confined tokens.
	Whole Reach = iota
	// Nothing of any experiment is reached.
	Nothing
	// Named reaches the experiments, runs and models that the request names.
	Named
	// Points is Named for the bodies of log-metric and log-batch, which have a parser of their own.
	Metric
	Batch
	// NewRun is Named, and a request that names no experiment means the default one.
	NewRun
	// NewExperiment makes an experiment, whose name must be in the scope.
	NewExperiment
	// SearchIn searches the experiments of the list experiment_ids, from which the others are taken.
	SearchIn
	// Visible leaves out by itself what the caller may not see (track.Caller).
	Visible
	// InQuery is Named for a request whose body is a file.
	InQuery
	// File reaches an artifact by its path, which begins with the experiment's id.
	File
	// Framed is a body of native frames or of metrics, whose handler looks at the runs of each (track.Caller).
	Framed
	// Public is served to anybody, before anything is asked.
	Public
	// Managed is Whole, its role asked for once there are tokens: an open server is open like all that MLflow's client does.
	Managed
)

// Rule is what a route asks of a caller.
type Rule struct {
	Role  Role
	Reach Reach
}

// closed is for routes that nobody thought about.
var closed = Rule{Admin, Whole}

// RuleOf finds the rule of a route, by its method and its pattern as it was registered. Without one the route is
// for unconfined administrators.
func RuleOf(method, pattern string) (Rule, bool) {
	if method == "HEAD" {
		method = "GET"
	}
	for _, prefix := range []string{"/api/", "/ajax-api/"} {
		if rest, ok := strings.CutPrefix(pattern, prefix); ok {
			pattern = rest
			break
		}
	}
	for _, all := range []map[string]Rule{rules, registered} {
		if r, ok := all[method+" "+pattern]; ok {
			return r, true
		}
	}
	return closed, false
}

// rules by method and pattern, that of MLflow's routes without /api/ or /ajax-api/.
var rules = map[string]Rule{
	"GET /health":  {0, Public},
	"GET /version": {0, Public},

	"GET /":         {Read, Nothing},
	"GET /icon.svg": {Read, Nothing},
	"GET /theme.js": {Read, Nothing},
	"GET /assets/*": {Read, Nothing},
	// MLflow's own page.
	"GET /mlflow":                {Read, Nothing},
	"GET /mlflow/static-files/*": {Read, Nothing},
	"GET /metrics":               {Read, Whole},
	"GET /v1/version":            {Read, Nothing},
	"GET /v1/openapi.json":       {Read, Nothing},
	// Totals of the house, which the page shows at its foot.
	"GET /v1/status":               {Read, Nothing},
	"GET /v1/lanes":                {Write, Whole}, // a confined token cannot publish on the bus
	"POST /v1/frames":              {Write, Framed},
	"POST /v1/metrics":             {Write, Framed},
	"POST /v1/sql":                 {Read, Visible},
	"GET /v1/sql/schema":           {Read, Visible},
	"GET /v1/runs/:run_id/series":  {Read, Named},
	"GET /v1/runs/:run_id":         {Read, Named},
	"GET /v1/runs/:run_id/metrics": {Read, Named},
	"GET /v1/runs/:run_id/values":  {Read, Named},
	"GET /v1/runs/:run_id/console": {Read, Named},
	"GET /v1/runs/:run_id/ranks":   {Read, Named},
	"POST /v1/importance":          {Read, SearchIn}, "POST /v1/runs/groups": {Read, SearchIn}, "POST /v1/runs/ids": {Read, SearchIn}, "POST /v1/runs/silent": {Read, SearchIn}, "POST /v1/runs/search": {Read, SearchIn},
	"GET /v1/series":  {Read, Named},
	"POST /v1/series": {Read, Named},
	// What comes from another server brings its own times and users with it.
	"POST /v1/export":        {Read, Visible},
	"POST /v1/import":        {Admin, Managed},
	"POST /v1/import/traces": {Admin, Managed},
	// A stream brings nothing by itself; what it shall bring is named in the POST.
	"GET /v1/live":                     {Read, Nothing},
	"POST /v1/live/:id":                {Read, Named},
	"GET /v1/runs/:run_id/values/keys": {Read, Named},
	// A walk leaves out what the caller may not see. What is recorded by hand may join any nodes, and jobs belong to no
	// experiment. OpenLineage's clients send to /api/v1/lineage.
	"GET /v1/lineage":       {Read, Visible},
	"POST /v1/lineage":      {Write, Whole},
	"POST v1/lineage":       {Write, Whole},
	"GET /v1/tokens":        {Admin, Whole},
	"POST /v1/tokens":       {Admin, Whole},
	"DELETE /v1/tokens/:id": {Admin, Whole},

	"GET 2.0/mlflow/experiments/get":                    {Read, Named},
	"GET 2.0/mlflow/experiments/get-by-name":            {Read, Named},
	"GET 2.0/mlflow/experiments/search":                 {Read, Visible},
	"POST 2.0/mlflow/experiments/search":                {Read, Visible},
	"POST 2.0/mlflow/experiments/create":                {Write, NewExperiment},
	"POST 2.0/mlflow/experiments/update":                {Write, Named},
	"POST 2.0/mlflow/experiments/delete":                {Write, Named},
	"POST 2.0/mlflow/experiments/restore":               {Write, Named},
	"POST 2.0/mlflow/experiments/set-experiment-tag":    {Write, Named},
	"POST 2.0/mlflow/experiments/delete-experiment-tag": {Write, Named},

	"GET 2.0/mlflow/runs/get":            {Read, Named},
	"POST 2.0/mlflow/runs/search":        {Read, SearchIn},
	"POST 2.0/mlflow/runs/create":        {Write, NewRun},
	"POST 2.0/mlflow/runs/update":        {Write, Named},
	"POST 2.0/mlflow/runs/delete":        {Write, Named},
	"POST 2.0/mlflow/runs/restore":       {Write, Named},
	"POST 2.0/mlflow/runs/log-metric":    {Write, Metric},
	"POST 2.0/mlflow/runs/log-batch":     {Write, Batch},
	"POST 2.0/mlflow/runs/log-model":     {Write, Named},
	"POST 2.0/mlflow/runs/log-parameter": {Write, Named},
	"POST 2.0/mlflow/runs/set-tag":       {Write, Named},
	"POST 2.0/mlflow/runs/delete-tag":    {Write, Named},
	"POST 2.0/mlflow/runs/log-inputs":    {Write, Named},
	"POST 2.0/mlflow/runs/outputs":       {Write, Named},

	"POST 2.0/mlflow/experiments/search-datasets":      {Read, SearchIn},
	"GET 2.0/mlflow/metrics/get-history":               {Read, Named},
	"GET 2.0/mlflow/metrics/get-history-bulk":          {Read, Named},
	"GET 2.0/mlflow/metrics/get-history-bulk-interval": {Read, Named},

	"POST 2.0/mlflow/logged-models":                          {Write, Named},
	"POST 2.0/mlflow/logged-models/search":                   {Read, SearchIn},
	"GET 2.0/mlflow/logged-models/:id":                       {Read, Named},
	"PATCH 2.0/mlflow/logged-models/:id":                     {Write, Named},
	"DELETE 2.0/mlflow/logged-models/:id":                    {Write, Named},
	"POST 2.0/mlflow/logged-models/:id/params":               {Write, Named},
	"PATCH 2.0/mlflow/logged-models/:id/tags":                {Write, Named},
	"DELETE 2.0/mlflow/logged-models/:id/tags/:key":          {Write, Named},
	"GET 2.0/mlflow/logged-models/:id/artifacts/directories": {Read, Named},
	"GET 2.0/mlflow/logged-models/:id/artifacts/files":       {Read, Named},

	"GET /v1/artifacts/archive":                {Read, Named},
	"GET /v1/artifacts/page":                   {Read, Named},
	"GET 2.0/mlflow/artifacts/list":            {Read, Named},
	"GET /get-artifact":                        {Read, Named},
	"GET 2.0/mlflow-artifacts/artifacts":       {Read, File},
	"GET 2.0/mlflow-artifacts/artifacts/*":     {Read, File},
	"PUT 2.0/mlflow-artifacts/artifacts/*":     {Write, File},
	"DELETE 2.0/mlflow-artifacts/artifacts/*":  {Write, File},
	"POST 2.0/mlflow-artifacts/mpu/create/*":   {Write, File},
	"POST 2.0/mlflow-artifacts/mpu/complete/*": {Write, File},
	"POST 2.0/mlflow-artifacts/mpu/abort/*":    {Write, File},
	"GET 3.0/mlflow/server-info":               {Read, Nothing},

	"GET 2.0/mlflow-artifacts/presigned/*":             {Read, File},
	"POST 2.0/mlflow/artifacts/presigned-upload-url":   {Write, Named},
	"POST 2.0/mlflow/artifacts/presigned-download-url": {Read, Named},
	"POST 2.0/mlflow/upload-artifact":                  {Write, InQuery},

	// A trace is named by its id, which does not say its experiment.
	"POST /v1/traces":                                      {Write, Whole},
	"POST 2.0/mlflow/traces":                               {Write, Whole},
	"GET 2.0/mlflow/traces":                                {Read, Whole},
	"PATCH 2.0/mlflow/traces/:id":                          {Write, Whole},
	"GET 2.0/mlflow/traces/:id/info":                       {Read, Whole},
	"POST 2.0/mlflow/traces/delete-traces":                 {Write, Whole},
	"PATCH 2.0/mlflow/traces/:id/tags":                     {Write, Whole},
	"DELETE 2.0/mlflow/traces/:id/tags":                    {Write, Whole},
	"POST 2.0/mlflow/traces/link-to-run":                   {Write, Whole},
	"POST 2.0/mlflow/traces/link-prompts":                  {Write, Whole},
	"GET 2.0/mlflow/get-trace-artifact":                    {Read, Whole},
	"POST 3.0/mlflow/traces":                               {Write, Whole},
	"POST 3.0/mlflow/traces/search":                        {Read, Whole},
	"GET 3.0/mlflow/traces/get":                            {Read, Whole},
	"GET 3.0/mlflow/traces/batchGet":                       {Read, Whole},
	"POST 3.0/mlflow/traces/batchGetInfos":                 {Read, Whole},
	"POST 3.0/mlflow/traces/metrics":                       {Read, Whole},
	"POST 3.0/mlflow/traces/calculate-filter-correlation":  {Read, Whole},
	"GET 3.0/mlflow/traces/:id":                            {Read, Whole},
	"POST 3.0/mlflow/traces/delete-traces":                 {Write, Whole},
	"PATCH 3.0/mlflow/traces/:id/tags":                     {Write, Whole},
	"DELETE 3.0/mlflow/traces/:id/tags":                    {Write, Whole},
	"POST 3.0/mlflow/traces/link-to-run":                   {Write, Whole},
	"POST 3.0/mlflow/traces/link-prompts":                  {Write, Whole},
	"POST 3.0/mlflow/traces/:id/assessments":               {Write, Whole},
	"GET 3.0/mlflow/traces/:id/assessments/:assessment":    {Read, Whole},
	"PATCH 3.0/mlflow/traces/:id/assessments/:assessment":  {Write, Whole},
	"DELETE 3.0/mlflow/traces/:id/assessments/:assessment": {Write, Whole},
	"GET 3.0/mlflow/get-trace-artifact":                    {Read, Whole},

	// GraphQL asks the routes above, in the name of its caller.
	"POST /graphql": {Read, Nothing},

	// What this server has nothing of (package absent).
	"GET 3.0/mlflow/gateway/budgets/list":                 {Read, Nothing},
	"GET 3.0/mlflow/gateway/budgets/windows":              {Read, Nothing},
	"GET 3.0/mlflow/gateway/budgets/get":                  {Read, Nothing},
	"GET 3.0/mlflow/gateway/endpoints/list":               {Read, Nothing},
	"GET 3.0/mlflow/gateway/endpoints/bindings/list":      {Read, Nothing},
	"GET 3.0/mlflow/gateway/guardrails/list":              {Read, Nothing},
	"GET 3.0/mlflow/gateway/guardrails/get":               {Read, Nothing},
	"GET 3.0/mlflow/gateway/guardrails/list-for-endpoint": {Read, Nothing},
	"GET 3.0/mlflow/gateway/model-definitions/list":       {Read, Nothing},
	"GET 3.0/mlflow/gateway/model-definitions/get":        {Read, Nothing},
	"GET 3.0/mlflow/gateway/secrets/list":                 {Read, Nothing},
	"POST 3.0/mlflow/issues/search":                       {Read, Nothing},
	"GET 3.0/mlflow/issues/:id":                           {Read, Nothing},
	"GET 3.0/mlflow/label-schemas/list":                   {Read, Nothing},
	"GET 3.0/mlflow/label-schemas/get":                    {Read, Nothing},
	"GET 3.0/mlflow/review-queues/list":                   {Read, Nothing},
	"GET 3.0/mlflow/review-queues/get":                    {Read, Nothing},
	"GET 3.0/mlflow/review-queues/items/list":             {Read, Nothing},
	"GET 3.0/mlflow/scorers/online-configs":               {Read, Nothing},
	"GET 3.0/mlflow/mcp-servers":                          {Read, Nothing},
	"GET 3.0/mlflow/mcp-servers/endpoints":                {Read, Nothing},
	"GET 2.0/mlflow/gateway-proxy":                        {Read, Nothing},
	"POST 2.0/mlflow/gateway-proxy":                       {Read, Nothing},
	"GET 3.0/mlflow/gateway/secrets/config":               {Read, Nothing},
	"GET 3.0/mlflow/gateway/supported-providers":          {Read, Nothing},
	"GET 3.0/mlflow/gateway/supported-models":             {Read, Nothing},
	"GET 3.0/mlflow/jobs/:id":                             {Read, Nothing},
	"GET 3.0/mlflow/assistant/config":                     {Read, Nothing},
	"GET 3.0/mlflow/assistant/providers":                  {Read, Nothing},
	"GET 3.0/mlflow/ui-telemetry":                         {Read, Nothing},
	"POST 3.0/mlflow/ui-telemetry":                        {Read, Nothing},

	// Evaluation datasets are in any number of experiments, or in none.
	"POST 3.0/mlflow/datasets/create":                 {Write, Whole},
	"GET 3.0/mlflow/datasets/search":                  {Read, Whole},
	"POST 3.0/mlflow/datasets/search":                 {Read, Whole},
	"GET 3.0/mlflow/datasets/:id":                     {Read, Whole},
	"DELETE 3.0/mlflow/datasets/:id":                  {Write, Whole},
	"PATCH 3.0/mlflow/datasets/:id/tags":              {Write, Whole},
	"DELETE 3.0/mlflow/datasets/:id/tags/:key":        {Write, Whole},
	"POST 3.0/mlflow/datasets/:id/records":            {Write, Whole},
	"GET 3.0/mlflow/datasets/:id/records":             {Read, Whole},
	"DELETE 3.0/mlflow/datasets/:id/records":          {Write, Whole},
	"GET 3.0/mlflow/datasets/:id/experiment-ids":      {Read, Whole},
	"POST 3.0/mlflow/datasets/:id/add-experiments":    {Write, Whole},
	"POST 3.0/mlflow/datasets/:id/remove-experiments": {Write, Whole},
	"POST 3.0/mlflow/scorers/register":                {Write, Named},
	"GET 3.0/mlflow/scorers/list":                     {Read, Whole},
	"GET 3.0/mlflow/scorers/versions":                 {Read, Named},
	"GET 3.0/mlflow/scorers/get":                      {Read, Named},
	"DELETE 3.0/mlflow/scorers/delete":                {Write, Named},
}
