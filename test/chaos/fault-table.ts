/**
 * What becomes of a phase when something that it uses fails: phase | dependency | fault | what is expected. `unaffected`
 * and `retried and done` end as a phase without a fault; `left to the retry` is worth another try of the Job; `unknown`,
 * `paused`, `refused` and `failed` stop, and start nothing. `cordoned`: the step's node stays so, with our mark, for whoever goes on;
 * `changed`: it is upgraded and in service, and has our mark still.
 */
export const FAULT_TABLE = `
  check      | api         | refused                                | left to the retry
  check      | api         | hangs                                  | left to the retry
  check      | api         | 500                                    | paused
  check      | api         | 500 of etcd                            | left to the retry
  check      | api         | 429                                    | left to the retry
  check      | api         | 503                                    | left to the retry
  check      | api         | 401                                    | paused
  check      | api         | 403                                    | paused
  check      | api         | 404                                    | paused
  check      | api         | 404 in the middle                      | unknown
  check      | api         | 302                                    | paused
  check      | api         | empty                                  | paused
  check      | api         | garbage                                | paused
  check      | api         | truncated                              | left to the retry
  check      | api         | slow                                   | unaffected
  check      | api         | foreign certificate                    | paused
  check      | api         | expired certificate                    | paused
  check      | api         | refused in the middle                  | unknown
  check      | api         | hangs in the middle                    | unknown
  check      | api         | 500 in the middle                      | unknown
  check      | api         | 429 in the middle                      | unknown
  check      | api         | garbage in the middle                  | unknown
  check      | api         | refused in the middle for a moment     | retried and done
  check      | api         | 500 of etcd in the middle for a moment | retried and done
  check      | api         | 429 in the middle for a moment         | retried and done
  check      | api         | 503 in the middle for a moment         | retried and done
  check      | api         | garbage in the middle for a moment     | unknown
  check      | api         | truncated in the middle for a moment   | retried and done
  check      | api         | refused for a moment                   | retried and done
  check      | api         | 429 for a moment                       | retried and done
  check      | ssh         | refused                                | unknown
  check      | ssh         | hangs                                  | unknown
  check      | ssh         | empty                                  | unknown
  check      | ssh         | garbage                                | unknown
  check      | ssh         | truncated                              | unknown
  check      | ssh         | slow                                   | unaffected
  check      | ssh         | empty for a moment                     | unknown
  check      | ssh         | truncated for a moment                 | unknown
  check      | ssh         | foreign host key                       | unknown
  check      | ssh         | no host key pinned                     | unknown
  check      | ssh         | login refused                          | unknown
  check      | ssh         | sudo wants a password                  | unknown
  check      | apt         | refused                                | unknown
  check      | apt         | hangs                                  | unknown
  check      | apt         | 500                                    | unknown
  check      | apt         | 429                                    | unknown
  check      | apt         | slow                                   | unaffected
  check      | apt         | expired certificate                    | unknown
  check      | apt         | lock held                              | unaffected
  check      | apt         | broken signature                       | unknown
  check      | apt         | disk full                              | refused: DiskFull
  check      | apt         | empty madison                          | unknown
  check      | apt         | garbage madison                        | unknown
  check      | apt         | truncated madison                      | unknown
  check      | feed        | refused                                | unknown
  check      | feed        | hangs                                  | unknown
  check      | feed        | 500                                    | unknown
  check      | feed        | 429                                    | unknown
  check      | feed        | empty                                  | unknown
  check      | feed        | garbage                                | unknown
  check      | feed        | truncated                              | unknown
  check      | feed        | slow                                   | unaffected
  check      | feed        | redirect ring                          | unknown
  check      | feed        | foreign redirect                       | unknown
  check      | feed        | foreign certificate                    | unknown
  check      | feed        | refused for a moment                   | unknown
  check      | prometheus  | refused                                | refused: Unknown
  check      | prometheus  | hangs                                  | refused: Unknown
  check      | prometheus  | 500                                    | refused: Unknown
  check      | prometheus  | 429                                    | refused: Unknown
  check      | prometheus  | empty                                  | refused: Unknown
  check      | prometheus  | garbage                                | refused: Unknown
  check      | prometheus  | truncated                              | refused: Unknown
  check      | prometheus  | slow                                   | unaffected
  check      | prometheus  | redirect ring                          | refused: Unknown
  check      | prometheus  | foreign redirect                       | refused: Unknown
  check      | prometheus  | foreign certificate                    | refused: Unknown
  check      | prometheus  | refused for a moment                   | refused: Unknown
  check      | pushgateway | refused                                | unaffected
  check      | pushgateway | hangs                                  | unaffected
  check      | pushgateway | 500                                    | unaffected
  check      | pushgateway | 429                                    | unaffected
  check      | pushgateway | empty                                  | unaffected
  check      | pushgateway | garbage                                | unaffected
  check      | pushgateway | truncated                              | unaffected
  check      | pushgateway | slow                                   | unaffected
  check      | pushgateway | redirect ring                          | unaffected
  check      | pushgateway | foreign redirect                       | unaffected
  check      | pushgateway | foreign certificate                    | unaffected
  check      | pushgateway | refused for a moment                   | unaffected

  preflight  | api         | refused                                | left to the retry
  preflight  | api         | hangs                                  | left to the retry
  preflight  | api         | 500                                    | paused
  preflight  | api         | 429                                    | left to the retry
  preflight  | api         | empty                                  | paused
  preflight  | api         | garbage                                | paused
  preflight  | api         | 404                                    | paused
  preflight  | api         | truncated                              | left to the retry
  preflight  | api         | slow                                   | unaffected
  preflight  | api         | foreign certificate                    | paused
  preflight  | api         | expired certificate                    | paused
  preflight  | api         | refused in the gate                    | left to the retry
  preflight  | api         | 429 in the gate                        | left to the retry
  preflight  | api         | 403 in the gate                        | refused: Unknown
  preflight  | api         | 429 in the gate for a moment           | retried and done
  preflight  | api         | refused in the middle                  | left to the retry
  preflight  | api         | 429 in the middle                      | left to the retry
  preflight  | api         | garbage in the middle                  | paused
  preflight  | api         | 404 in the middle                      | paused
  preflight  | api         | refused in the middle for a moment     | retried and done
  preflight  | api         | 429 in the middle for a moment         | retried and done
  preflight  | api         | garbage in the middle for a moment     | paused
  preflight  | api         | refused for a moment                   | retried and done
  preflight  | ssh         | refused                                | left to the retry
  preflight  | ssh         | hangs                                  | left to the retry
  preflight  | ssh         | garbage                                | left to the retry
  preflight  | ssh         | truncated for a moment                 | retried and done
  preflight  | ssh         | foreign host key                       | refused: NodeRefuses
  preflight  | ssh         | sudo wants a password                  | refused: NodeRefuses
  preflight  | apt         | refused                                | left to the retry
  preflight  | apt         | 500                                    | left to the retry
  preflight  | apt         | expired certificate                    | left to the retry
  preflight  | apt         | lock held                              | left to the retry
  preflight  | apt         | disk full                              | refused: DiskFull
  preflight  | apt         | truncated madison                      | refused: CannotStage
  preflight  | feed        | refused                                | left to the retry
  preflight  | feed        | 500                                    | left to the retry
  preflight  | feed        | empty                                  | left to the retry
  preflight  | feed        | garbage                                | left to the retry
  preflight  | feed        | redirect ring                          | left to the retry
  preflight  | registry    | refused                                | left to the retry
  preflight  | registry    | hangs                                  | left to the retry
  preflight  | registry    | 500                                    | left to the retry
  preflight  | registry    | 429                                    | left to the retry
  preflight  | registry    | garbage                                | left to the retry
  preflight  | registry    | truncated                              | left to the retry
  preflight  | registry    | slow                                   | unaffected
  preflight  | registry    | redirect ring                          | left to the retry
  preflight  | registry    | expired certificate                    | left to the retry
  preflight  | registry    | image missing                          | left to the retry
  preflight  | etcd        | refused                                | refused: EtcdUnhealthy
  preflight  | etcd        | hangs                                  | refused: EtcdUnhealthy
  preflight  | etcd        | error                                  | refused: EtcdUnhealthy
  preflight  | etcd        | empty                                  | refused: EtcdUnhealthy
  preflight  | etcd        | garbage                                | refused: EtcdUnhealthy
  preflight  | etcd        | truncated                              | refused: EtcdUnhealthy
  preflight  | etcd        | slow                                   | unaffected
  preflight  | etcd        | no quorum                              | refused: EtcdUnhealthy
  preflight  | etcd        | one member down                        | refused: EtcdUnhealthy
  preflight  | etcd        | a learner                              | refused: EtcdUnhealthy
  preflight  | etcd        | a member that never started            | refused: EtcdUnhealthy
  preflight  | etcd        | alarm                                  | refused: EtcdUnhealthy
  preflight  | etcd        | expired certificate                    | refused: EtcdUnhealthy
  preflight  | etcd        | expired certificate of a member        | refused: EtcdUnhealthy
  preflight  | etcd        | refused for a moment                   | retried and done
  preflight  | etcd        | no quorum for a moment                 | retried and done
  preflight  | etcd        | garbage for a moment                   | retried and done
  preflight  | etcd        | one member down for a moment           | retried and done
  preflight  | etcd        | refused in the snapshot                | failed
  preflight  | etcd        | hangs in the snapshot                  | failed
  preflight  | etcd        | error in the snapshot                  | failed
  preflight  | etcd        | empty in the snapshot                  | failed
  preflight  | etcd        | garbage in the snapshot                | failed
  preflight  | etcd        | truncated in the snapshot              | failed
  preflight  | etcd        | no quorum in the snapshot              | failed
  preflight  | etcd        | expired certificate in the snapshot    | failed
  preflight  | etcd        | slow in the snapshot                   | unaffected
  preflight  | prometheus  | refused                                | refused: Unknown
  preflight  | prometheus  | hangs                                  | refused: Unknown
  preflight  | prometheus  | 500                                    | refused: Unknown
  preflight  | prometheus  | 429                                    | refused: Unknown
  preflight  | prometheus  | empty                                  | refused: Unknown
  preflight  | prometheus  | garbage                                | refused: Unknown
  preflight  | prometheus  | no rules                               | refused: Unknown
  preflight  | prometheus  | truncated                              | refused: Unknown
  preflight  | prometheus  | slow                                   | unaffected
  preflight  | prometheus  | redirect ring                          | refused: Unknown
  preflight  | prometheus  | foreign redirect                       | refused: Unknown
  preflight  | prometheus  | foreign certificate                    | refused: Unknown
  preflight  | prometheus  | refused for a moment                   | refused: Unknown
  preflight  | pushgateway | refused                                | unaffected
  preflight  | pushgateway | hangs                                  | unaffected
  preflight  | pushgateway | 500                                    | unaffected
  preflight  | pushgateway | garbage                                | unaffected
  preflight  | pushgateway | redirect ring                          | unaffected
  preflight  | slack       | refused                                | unaffected
  preflight  | slack       | hangs                                  | unaffected
  preflight  | slack       | 500                                    | unaffected
  preflight  | slack       | 429                                    | unaffected
  preflight  | slack       | garbage                                | unaffected

  master     | api         | refused                                | left to the retry
  master     | api         | 500                                    | paused
  master     | api         | garbage                                | paused
  master     | api         | 404                                    | paused
  master     | api         | foreign certificate                    | paused
  master     | api         | refused before the cordon              | left to the retry
  master     | api         | 500 of etcd before the cordon          | left to the retry
  master     | api         | 403 before the cordon                  | failed
  master     | api         | garbage before the cordon              | failed
  master     | api         | 404 before the cordon                  | failed
  master     | api         | refused before the cordon for a moment | retried and done
  master     | api         | 429 before the cordon for a moment     | retried and done
  master     | api         | 403 before the cordon for a moment     | retried and done
  master     | api         | refused in the middle                  | left to the retry, cordoned
  master     | api         | 500 of etcd in the middle              | left to the retry, cordoned
  master     | api         | 403 in the middle                      | paused, cordoned
  master     | api         | garbage in the middle                  | paused, cordoned
  master     | api         | 404 in the middle                      | paused, cordoned
  master     | api         | refused in the middle for a moment     | retried and done
  master     | api         | 429 in the middle for a moment         | retried and done
  master     | api         | 503 in the middle for a moment         | retried and done
  master     | api         | garbage in the middle for a moment     | paused
  master     | api         | 403 in the middle for a moment         | retried and done
  master     | api         | 401 in the middle for a moment         | retried and done
  master     | api         | misrouted in the middle for a moment   | retried and done
  master     | api         | truncated in the middle for a moment   | retried and done
  master     | ssh         | refused                                | left to the retry
  master     | ssh         | empty                                  | left to the retry
  master     | ssh         | truncated                              | left to the retry
  master     | ssh         | slow                                   | unaffected
  master     | ssh         | truncated for a moment                 | retried and done
  master     | ssh         | foreign host key                       | failed
  master     | ssh         | login refused                          | failed
  master     | apt         | refused                                | left to the retry
  master     | apt         | slow                                   | unaffected
  master     | apt         | lock held                              | left to the retry
  master     | apt         | broken signature                       | left to the retry
  master     | apt         | disk full                              | failed
  master     | apt         | garbage madison                        | failed
  master     | feed        | garbage                                | left to the retry
  master     | feed        | truncated                              | left to the retry
  master     | feed        | foreign redirect                       | left to the retry
  master     | registry    | refused                                | left to the retry
  master     | registry    | 429                                    | left to the retry
  master     | registry    | slow                                   | unaffected
  master     | registry    | expired certificate                    | left to the retry
  master     | registry    | image missing                          | left to the retry
  master     | etcd        | refused                                | refused: EtcdUnhealthy
  master     | etcd        | hangs                                  | refused: EtcdUnhealthy
  master     | etcd        | error                                  | refused: EtcdUnhealthy
  master     | etcd        | empty                                  | refused: EtcdUnhealthy
  master     | etcd        | garbage                                | refused: EtcdUnhealthy
  master     | etcd        | truncated                              | refused: EtcdUnhealthy
  master     | etcd        | slow                                   | unaffected
  master     | etcd        | no quorum                              | refused: EtcdUnhealthy
  master     | etcd        | one member down                        | refused: EtcdUnhealthy
  master     | etcd        | a learner                              | refused: EtcdUnhealthy
  master     | etcd        | a member that never started            | refused: EtcdUnhealthy
  master     | etcd        | alarm                                  | refused: EtcdUnhealthy
  master     | etcd        | expired certificate                    | refused: EtcdUnhealthy
  master     | etcd        | expired certificate of a member        | refused: EtcdUnhealthy
  master     | etcd        | refused for a moment                   | retried and done
  master     | etcd        | no quorum for a moment                 | retried and done
  master     | etcd        | garbage for a moment                   | retried and done
  master     | etcd        | one member down for a moment           | retried and done
  master     | prometheus  | refused                                | refused: AlertFiring
  master     | prometheus  | hangs                                  | refused: AlertFiring
  master     | prometheus  | 500                                    | refused: AlertFiring
  master     | prometheus  | 429                                    | refused: AlertFiring
  master     | prometheus  | empty                                  | refused: AlertFiring
  master     | prometheus  | garbage                                | refused: AlertFiring
  master     | prometheus  | no rules                               | refused: AlertFiring
  master     | prometheus  | truncated                              | refused: AlertFiring
  master     | prometheus  | slow                                   | unaffected
  master     | prometheus  | redirect ring                          | refused: AlertFiring
  master     | prometheus  | foreign redirect                       | refused: AlertFiring
  master     | prometheus  | foreign certificate                    | refused: AlertFiring
  master     | prometheus  | refused for a moment                   | refused: AlertFiring

  worker     | api         | refused                                | left to the retry
  worker     | api         | empty                                  | paused
  worker     | api         | expired certificate                    | paused
  worker     | api         | refused before the cordon              | left to the retry
  worker     | api         | 429 before the cordon                  | left to the retry
  worker     | api         | garbage before the cordon              | failed
  worker     | api         | hangs before the cordon for a moment   | retried and done
  worker     | api         | 404 before the cordon for a moment     | failed
  worker     | api         | 500 before the cordon for a moment     | failed
  worker     | api         | truncated before the cordon for a moment | retried and done
  worker     | api         | refused in the middle                  | left to the retry, cordoned
  worker     | api         | 429 in the middle                      | left to the retry, cordoned
  worker     | api         | garbage in the middle                  | paused, cordoned
  worker     | api         | 404 in the middle                      | paused, cordoned
  worker     | api         | hangs in the middle for a moment       | retried and done
  worker     | api         | 403 in the middle for a moment         | retried and done
  worker     | api         | 500 of etcd in the middle for a moment | retried and done
  worker     | api         | garbage in the middle for a moment     | paused
  worker     | api         | refused in the soak                    | left to the retry, changed
  worker     | api         | 429 in the soak                        | left to the retry, changed
  worker     | api         | garbage in the soak                    | failed, changed
  worker     | api         | 403 in the soak for a moment           | retried and done
  worker     | api         | truncated in the soak for a moment     | retried and done
  worker     | ssh         | hangs                                  | left to the retry
  worker     | ssh         | garbage                                | left to the retry
  worker     | ssh         | empty for a moment                     | retried and done
  worker     | ssh         | no host key pinned                     | failed
  worker     | ssh         | sudo wants a password                  | failed
  worker     | apt         | hangs                                  | left to the retry
  worker     | apt         | 429                                    | left to the retry
  worker     | apt         | lock held                              | left to the retry
  worker     | apt         | empty madison                          | failed
  worker     | feed        | 500                                    | left to the retry
  worker     | feed        | empty                                  | left to the retry
  worker     | feed        | redirect ring                          | left to the retry
  worker     | prometheus  | refused                                | refused: AlertFiring
  worker     | prometheus  | hangs                                  | refused: AlertFiring
  worker     | prometheus  | 500                                    | refused: AlertFiring
  worker     | prometheus  | 429                                    | refused: AlertFiring
  worker     | prometheus  | empty                                  | refused: AlertFiring
  worker     | prometheus  | garbage                                | refused: AlertFiring
  worker     | prometheus  | no rules                               | refused: AlertFiring
  worker     | prometheus  | truncated                              | refused: AlertFiring
  worker     | prometheus  | slow                                   | unaffected
  worker     | prometheus  | redirect ring                          | refused: AlertFiring
  worker     | prometheus  | foreign redirect                       | refused: AlertFiring
  worker     | prometheus  | foreign certificate                    | refused: AlertFiring
  worker     | prometheus  | refused for a moment                   | unaffected

  postflight | api         | refused                                | left to the retry
  postflight | api         | hangs                                  | left to the retry
  postflight | api         | 500                                    | paused
  postflight | api         | 429                                    | left to the retry
  postflight | api         | empty                                  | paused
  postflight | api         | slow                                   | unaffected
  postflight | api         | foreign certificate                    | paused
  postflight | api         | expired certificate                    | paused
  postflight | api         | refused in the middle                  | left to the retry
  postflight | api         | 500 in the middle                      | paused
  postflight | api         | 429 in the middle                      | left to the retry
  postflight | api         | 403 in the middle                      | failed
  postflight | api         | garbage in the middle                  | paused
  postflight | api         | 404 in the middle                      | paused
  postflight | api         | truncated in the middle                | left to the retry
  postflight | api         | refused in the middle for a moment     | retried and done
  postflight | api         | 500 in the middle for a moment         | paused
  postflight | api         | 429 in the middle for a moment         | retried and done
  postflight | api         | 403 in the middle for a moment         | retried and done
  postflight | api         | garbage in the middle for a moment     | paused
  postflight | api         | truncated in the middle for a moment   | retried and done
  postflight | api         | refused for a moment                   | retried and done
  postflight | api         | 429 for a moment                       | retried and done
  postflight | prometheus  | refused                                | unaffected
  postflight | prometheus  | hangs                                  | unaffected
  postflight | prometheus  | 500                                    | unaffected
  postflight | prometheus  | 429                                    | unaffected
  postflight | prometheus  | empty                                  | unaffected
  postflight | prometheus  | garbage                                | unaffected
  postflight | prometheus  | no rules                               | unaffected
  postflight | prometheus  | truncated                              | unaffected
  postflight | prometheus  | slow                                   | unaffected
  postflight | prometheus  | redirect ring                          | unaffected
  postflight | prometheus  | foreign redirect                       | unaffected
  postflight | prometheus  | foreign certificate                    | unaffected
  postflight | prometheus  | refused for a moment                   | unaffected
  postflight | pushgateway | refused                                | unaffected
  postflight | pushgateway | hangs                                  | unaffected
  postflight | pushgateway | 500                                    | unaffected
  postflight | pushgateway | 429                                    | unaffected
  postflight | pushgateway | empty                                  | unaffected
  postflight | pushgateway | garbage                                | unaffected
  postflight | pushgateway | truncated                              | unaffected
  postflight | pushgateway | slow                                   | unaffected
  postflight | pushgateway | redirect ring                          | unaffected
  postflight | pushgateway | foreign redirect                       | unaffected
  postflight | pushgateway | foreign certificate                    | unaffected
  postflight | pushgateway | refused for a moment                   | unaffected
  postflight | slack       | refused                                | unaffected
  postflight | slack       | hangs                                  | unaffected
  postflight | slack       | 500                                    | unaffected
  postflight | slack       | 429                                    | unaffected
  postflight | slack       | empty                                  | unaffected
  postflight | slack       | garbage                                | unaffected
  postflight | slack       | truncated                              | unaffected
  postflight | slack       | slow                                   | unaffected
  postflight | slack       | redirect ring                          | unaffected
  postflight | slack       | foreign redirect                       | unaffected
  postflight | slack       | foreign certificate                    | unaffected
  postflight | slack       | refused for a moment                   | unaffected
`;
