// Package artifact serves the files of runs and models as MLflow's artifact proxy does.
//
//	PUT, GET, DELETE /api/2.0/mlflow-artifacts/artifacts/<path> -> store.Clean (pure) -> store.Store
//
// What keeps the files is a folder (package folder) or a bucket of an object store (package bucket). Files stream both
// ways; none is ever whole in memory. Where the store can, clients move large files past this server: they ask for
// signed addresses, of parts to upload or of a file to download, and server-info tells them whether to.
//
// A path that leads out of the root, by dots or encodings, is refused before the store sees it.
package artifact
