import Logging
import Shared

extension Forward {
    /// What a log line about this forward says with it.
    ///
    /// - Parameter error: What befell it.
    func metadata(_ error: (any Error)? = nil) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            LogKeys.forwardPort: "\(port)",
            LogKeys.clientUID: "\(uid)",
            LogKeys.relayTarget: "\(target)",
        ]
        metadata[LogKeys.error] = error.map { "\($0)" }
        return metadata
    }
}
