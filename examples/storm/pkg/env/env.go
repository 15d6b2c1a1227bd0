// Package env reads settings from the environment.
package env

import "os"

// Get returns the variable's value, or fallback where it is unset or empty.
func Get(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
