package import Logging

/// The names of the log levels as the original knows them.
package enum LogLevelName: String, CaseIterable, Sendable {
    case error
    case warn
    case info
    case debug
    case trace

    /// The level of swift-log with this meaning.
    package var level: Logger.Level {
        switch self {
        case .error: .error
        case .warn: .warning
        case .info: .info
        case .debug: .debug
        case .trace: .trace
        }
    }
}
