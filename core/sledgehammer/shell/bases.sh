# Base images; sets sledge_bases to lines "REFERENCE DIGEST" for those whose digest is known
sledge_resolve_bases() {
  sledge_bases=
  for sledge_base in "$@"; do
    case $sledge_base in
      *@sha256:*) sledge_found=sha256:${sledge_base##*@sha256:} ;;
      *)
        sledge_found=$(sledge_inspect "$sledge_base") || {
          sledge_say "base image $sledge_base: its digest is not known: $(tail -n 1 "$sledge_dir/imagetools")"
          continue
        }
        ;;
    esac
    sledge_bases="$sledge_bases${sledge_bases:+
}$sledge_base $sledge_found"
  done
}
