-- A key that is destroyed leaves the former version of its row behind until the table is vacuumed. The table changes only when somebody is
-- erased or the master key is rotated, so that autovacuum may come to each of these at its next round.
alter table crm.subject_keys set (autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0);
