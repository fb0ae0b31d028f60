#!/bin/sh
# Fetches the Vimeo-90k septuplet data set (82 GB; about 170 GB free space needed while unpacking).
#
#   ./download.sh [FOLDER]      FOLDER: default the one of this script; the set arrives in FOLDER/vimeo_septuplet
#
# Terms and description: http://toflow.csail.mit.edu
set -eu

url=http://data.csail.mit.edu/tofu/dataset/vimeo_septuplet.zip
folder=${1:-$(dirname "$0")}
zip=$folder/vimeo_septuplet.zip

for program in curl unzip; do
    command -v "$program" >/dev/null || { echo "download.sh: needs $program: apt-get install $program" >&2; exit 1; }
done
mkdir -p "$folder"

free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1048576) }')
if [ "$free" -lt 170 ] && [ ! -f "$zip" ]; then
    echo "download.sh: $folder has $free GB free, 170 are needed" >&2
    exit 1
fi

curl --fail --location --retry 10 --retry-delay 15 --continue-at - --output "$zip" "$url"
unzip -q -n "$zip" -d "$folder"

set=$folder/vimeo_septuplet
clips=$(cat "$set/sep_trainlist.txt" "$set/sep_testlist.txt" | grep -c .)
echo "$set: $clips clips. $zip can be removed now."
echo "Training: vcn train $set/sequences -o runs/first"
