# One static program on a base without a shell: docker build -t flyball --build-arg VERSION=v1 .
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS TARGETARCH VERSION=dev
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH go build -trimpath \
    -ldflags "-s -w -X github.com/flyball-dev/flyball/internal/cli/version.stamp=$VERSION" -o /flyball ./cmd/flyball-server

FROM gcr.io/distroless/static:nonroot
COPY --from=build /flyball /flyball
USER 65532:65532
ENTRYPOINT ["/flyball"]
