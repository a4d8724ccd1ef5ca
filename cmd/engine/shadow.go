package engine

import (
	"fmt"
	"os"
	"path/filepath"
)

// shadowed are functions of SQL that reach outside of the engine and ask for no right. As a library the engine lets file()
// read whatever this process can, passwords included, for every user, even the one that needs no password. A function of
// the same name in the folder of users' functions takes its place: CREATE FUNCTION would refuse the name, reading the
// folder at the start does not.
var shadowed = []string{"file", "catboostEvaluate"}

// writeShadows puts the functions in place before the engine starts.
func writeShadows(o Options) error {
	dir := filepath.Join(o.Folder(), "data", "user_defined")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the folder of functions: %w", err)
	}
	for _, name := range shadowed {
		text := fmt.Sprintf("CREATE FUNCTION %[1]s AS path -> throwIf(1, 'the function %[1]s is switched off')\n", name)
		if err := writeFile(filepath.Join(dir, "function_"+name+".sql"), []byte(text)); err != nil {
			return err
		}
	}
	return nil
}
