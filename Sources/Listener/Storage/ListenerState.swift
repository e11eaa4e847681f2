import Logging
import Shared

/// Opens the state of a listener at its start.
enum ListenerState {
    /// - Returns: no store when nothing can be kept and nobody asked for it; keys are new then.
    /// - Throws: ``StateStoreError`` when `SWL_STATE_PATH` is set and cannot be used.
    static func open(
        _ configuration: ListenerConfiguration,
        logger: Logger
    ) throws(StateStoreError) -> (store: StateStore?, restored: StoredState) {
        do throws(StateStoreError) {
            let (store, restored) = try StateStore.open(path: configuration.statePath, logger: logger)
            for loss in restored.losses {
                logger.error("state lost", metadata: [LogKeys.reason: "\(loss)"])
            }
            return (store, restored)
        } catch {
            guard !configuration.isStateRequired else { throw error }
            logger.warning(
                "nothing is stored: a restart will forget the forwards",
                metadata: [LogKeys.reason: "\(error)"]
            )
            let keys = EndpointKeys(random: RandomSource(SystemRandomNumberGenerator()))
            return (nil, StoredState(forwards: [], keys: keys, sessions: [], losses: []))
        }
    }
}
