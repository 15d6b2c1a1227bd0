// The gateway is the only door to the stack: it publishes messages and passes everything else on.
package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"storm/pkg/env"
	"storm/pkg/health"
	"storm/pkg/messages"
	"storm/pkg/web"
)

func main() {
	ctx, stop := web.Start("gateway")
	defer stop()
	if err := run(ctx); err != nil {
		slog.Error("gateway ended", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	conn, js, err := messages.Connect(ctx, env.Get("NATS_URL", "nats://localhost:4222"), "gateway")
	if err != nil {
		return err
	}
	defer conn.Close()

	mux := http.NewServeMux()
	// Not the services behind it: one of them being away must not take the door away.
	health.Register(mux, map[string]health.Check{"nats": messages.Reachable(js)})
	mux.HandleFunc("POST /messages", post(js))
	routes := map[string]string{
		"GET /messages": env.Get("MESSAGE_SERVICE_URL", "http://localhost:8081"),
		"/media":        env.Get("MEDIA_SERVICE_URL", "http://localhost:8082"),
		"/media/":       env.Get("MEDIA_SERVICE_URL", "http://localhost:8082"),
		"/users":        env.Get("USER_SERVICE_URL", "http://localhost:3000"),
		"/users/":       env.Get("USER_SERVICE_URL", "http://localhost:3000"),
	}
	for pattern, target := range routes {
		proxy, err := proxyTo(target)
		if err != nil {
			return err
		}
		mux.Handle(pattern, proxy)
	}
	return web.Serve(ctx, env.Get("ADDRESS", ":8080"), mux)
}

// post answers 202 when JetStream has the message: message-service stores it a moment later.
func post(js jetstream.JetStream) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Text string `json:"text"`
		}
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&body); err != nil {
			web.Fail(w, http.StatusBadRequest, `the body must be JSON, as in {"text": "hello"}`, nil)
			return
		}
		if strings.TrimSpace(body.Text) == "" {
			web.Fail(w, http.StatusBadRequest, "text is missing", nil)
			return
		}
		message := messages.Message{ID: rand.Text(), Text: body.Text, SentAt: time.Now().UTC()}
		if err := publish(r.Context(), js, message); err != nil {
			web.Fail(w, http.StatusServiceUnavailable, "the message could not be published", err)
			return
		}
		web.JSON(w, http.StatusAccepted, message)
	}
}

func publish(ctx context.Context, js jetstream.JetStream, message messages.Message) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	data, err := json.Marshal(message)
	if err != nil {
		return err
	}
	ack, err := js.Publish(ctx, messages.Subject, data, jetstream.WithMsgID(message.ID))
	if err != nil {
		return err
	}
	slog.Info("message published", "id", message.ID, "sequence", ack.Sequence)
	return nil
}

func proxyTo(target string) (http.Handler, error) {
	address, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	return &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(address)
			request.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			web.Fail(w, http.StatusBadGateway, address.Host+" does not answer", err)
		},
	}, nil
}
