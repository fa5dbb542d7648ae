-- A release's training is one trace, its embedding another, each recommendation one more. What leads from the later to the first travels with
-- the release: the W3C traceparent of the span that registered it. Null where nobody recorded a trace.

alter table two_tower.releases add column traceparent text
    check (traceparent ~ '^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$');

comment on column two_tower.releases.traceparent is 'TwoTower: W3C traceparent of the training (or import) that made the release';
