/// Tells a visitor's channel that its forward was closed: the relay handler on it resets the visitor and its stream.
///
/// Fired as an inbound user event, once, on the channel's event loop. The channel may not be active yet.
package struct ForwardClosedEvent: Hashable, Sendable {
    package init() {}
}
