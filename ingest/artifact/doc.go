// Package artifact keeps the files of runs and models, and serves them as MLflow's artifact proxy does.
//
//	PUT, GET, DELETE /api/2.0/mlflow-artifacts/artifacts/<path> -> Clean (pure) -> Store -> gocloud.dev/blob
//
// Files stream both ways; none is ever whole in memory. At each failure:
//
//   - an upload that breaks off, or a disk that fills up meanwhile, leaves no file and what was there before;
//   - a crash within an upload leaves a temporary file that no listing shows; the next start removes it;
//   - a path that leads out of the root, by dots, encodings or symbolic links, is refused.
package artifact
