import Logging
import Shared

extension ConnectorFailure {
    /// How the log tells it.
    var logEntry: (message: Logger.Message, metadata: Logger.Metadata) {
        switch self {
        case .nameNotFound(let name):
            ("the listener's name does not resolve", ["server_name": "\(name)"])
        case .socketUnusable(let reason):
            ("no socket could be used", [LogKeys.error: "\(reason)"])
        case .refused(.local(let frame), _):
            ("listener refused", [LogKeys.reason: "\(frame)"])
        case .refused(.peer(let frame), _):
            ("refused by the listener", [LogKeys.reason: "\(frame)"])
        case .refused(let closure, _):
            ("refused by the listener", [LogKeys.reason: "\(closure)"])
        case .turnedAway(_, let text):
            ("refused by the listener", [LogKeys.reason: "\(text.singleLine(limit: 600))"])
        case .lost(let closure):
            ("connection to the listener lost", [LogKeys.reason: "\(closure)"])
        }
    }
}
