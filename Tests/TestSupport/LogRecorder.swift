package import Logging
import Synchronization

/// Keeps what is logged through its logger, for tests that a person is told something, and told it once.
package final class LogRecorder: Sendable {
    package struct Line: Sendable {
        package let level: Logger.Level
        package let message: String
        package let metadata: Logger.Metadata
    }

    /// Every line, from the first on, for one reader that waits for what is to be logged.
    package let stream: AsyncStream<Line>

    private let continuation: AsyncStream<Line>.Continuation
    private let stored = Mutex<[Line]>([])

    package init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    package var lines: [Line] { stored.withLock { $0 } }

    package func lines(at level: Logger.Level) -> [Line] {
        lines.filter { $0.level == level }
    }

    package func logger(label: String = "test") -> Logger {
        var logger = Logger(label: label) { _ in Handler(recorder: self) }
        logger.logLevel = .trace
        return logger
    }

    private func append(_ line: Line) {
        stored.withLock { $0.append(line) }
        continuation.yield(line)
    }

    private struct Handler: LogHandler {
        let recorder: LogRecorder
        var logLevel = Logger.Level.trace
        var metadata: Logger.Metadata = [:]

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
            recorder.append(Line(level: event.level, message: "\(event.message)", metadata: all))
        }
    }
}
