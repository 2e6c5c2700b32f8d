(* Matching along the edges of a graph on the vertices 0 .. n-1, for every n: it is matching all
   pairs exactly when the graph is connected, which takes n - 1 edges; one reference sample. *)
From Coq Require Import Reals Lra Lia List.
From GAR Require Import Sums Formulas.
From GAR Require Batch.
Import ListNotations.
Open Scope R_scope.

Section Graph.
Variable n : nat.
Definition edge := (nat * nat)%type.
Definition on_vertices (E : list edge) := forall a b, In (a, b) E -> (a < n)%nat /\ (b < n)%nat.
Definition agrees (d : nat -> R) (E : list edge) := forall a b, In (a, b) E -> d a = d b.
Definition all_agree (d : nat -> R) := forall i j, (i < n)%nat -> (j < n)%nat -> d i = d j.

(* A chain of edges, in either direction. *)
Inductive chain (E : list edge) : nat -> nat -> Prop :=
| here i : chain E i i
| onward i j k : chain E i j -> In (j, k) E \/ In (k, j) E -> chain E i k.
Definition graph_connected E := forall i j, (i < n)%nat -> (j < n)%nat -> chain E i j.

Lemma along_chain E d i j : agrees d E -> chain E i j -> d i = d j.
Proof. intros A C. induction C as [|i j k C IH [K|K]]; auto.
  - rewrite IH. apply A; auto.
  - rewrite IH. symmetry. apply A; auto. Qed.

(* --- labels that agree on the edges: each edge costs at most one of them --- *)
Definition labels (l : nat -> nat) := nodup Nat.eq_dec (map l (seq 0 n)).
Definition respects (l : nat -> nat) (E : list edge) := forall a b, In (a, b) E -> l a = l b.
Definition joined (l : nat -> nat) (a b : nat) (v : nat) := if Nat.eqb (l v) (l b) then l a else l v.

Lemma fewer_labels l a b : (length (labels l) <= S (length (labels (joined l a b))))%nat.
Proof. unfold labels. set (old := nodup Nat.eq_dec (map l (seq 0 n))).
  set (new := nodup Nat.eq_dec (map (joined l a b) (seq 0 n))).
  change (S (length new)) with (length (l b :: new)).
  apply NoDup_incl_length; [apply NoDup_nodup|]. intros x Hx. apply nodup_In, in_map_iff in Hx.
  destruct Hx as (v & <- & Hv). destruct (Nat.eq_dec (l v) (l b)) as [->|D]; [left; auto|right].
  apply nodup_In, in_map_iff. exists v. split; auto. unfold joined.
  destruct (Nat.eqb_spec (l v) (l b)); tauto. Qed.

Lemma labels_of E : exists l, respects l E /\ (n <= length (labels l) + length E)%nat
  /\ forall i j, l i = l j -> chain E i j.
Proof. induction E as [|[a b] E (l & R & C & K)].
  - exists (fun v => v). repeat split.
    + intros a b [].
    + unfold labels. rewrite map_id, nodup_fixed_point by apply seq_NoDup. rewrite seq_length. simpl; lia.
    + intros i j ->. apply here.
  - exists (joined l a b). repeat split.
    + intros x y [H|H]; unfold joined.
      * injection H as <- <-. rewrite Nat.eqb_refl. destruct (Nat.eqb (l a) (l b)); auto.
      * rewrite (R x y H). reflexivity.
    + pose proof (fewer_labels l a b). simpl. lia.
    + assert (Sub : forall i j, chain E i j -> chain ((a, b) :: E) i j).
      { intros i j Ch. induction Ch; [apply here|]. eapply onward; [exact IHCh|]. simpl. tauto. }
      assert (Tr : forall i j k, chain ((a, b) :: E) i j -> chain ((a, b) :: E) j k -> chain ((a, b) :: E) i k).
      { intros i j k P Q. induction Q; auto. eapply onward; [apply IHQ; exact P | exact H]. }
      assert (AB : chain ((a, b) :: E) a b) by (eapply onward; [apply here|]; simpl; tauto).
      assert (BA : chain ((a, b) :: E) b a) by (eapply onward; [apply here|]; simpl; tauto).
      intros i j. unfold joined.
      destruct (Nat.eqb_spec (l i) (l b)) as [I|I]; destruct (Nat.eqb_spec (l j) (l b)) as [J|J]; intros H.
      * apply Sub, K. congruence.
      * apply (Tr i b j); [apply Sub, K; auto|]. apply (Tr b a j); auto; apply Sub, K; auto.
      * apply (Tr i a j); [apply Sub, K; auto|]. apply (Tr a b j); auto; apply Sub, K; auto.
      * apply Sub, K. auto. Qed.

(* Agreement on the edges gives agreement of all pairs, for every d, exactly when connected. *)
Theorem matching_is_connected E :
  (forall d, agrees d E -> all_agree d) <-> graph_connected E.
Proof. split.
  - intros H i j Hi Hj. destruct (labels_of E) as (l & R & _ & K). apply K.
    apply INR_eq. apply (H (fun v => INR (l v))); auto. intros a b I. f_equal. apply R; auto.
  - intros C d A i j Hi Hj. apply (along_chain E d i j A). auto. Qed.

(* Fewer than n - 1 edges never do. *)
Theorem fewer_do_not E : (S (length E) < n)%nat ->
  exists d, agrees d E /\ ~ all_agree d.
Proof. intros H. destruct (labels_of E) as (l & R & C & _). exists (fun v => INR (l v)). split.
  - intros a b I. f_equal. apply R; auto.
  - intros A. assert (L : (length (labels l) <= 1)%nat); [|lia].
    change 1%nat with (length [l 0%nat]). apply NoDup_incl_length; [apply NoDup_nodup|].
    intros x Hx. apply nodup_In, in_map_iff in Hx. destruct Hx as (v & <- & Hv). apply in_seq in Hv.
    left. apply INR_eq. apply A; lia. Qed.

(* n - 1 edges suffice: those of vertex 0 to all others, or those of a path. *)
Definition star := map (fun k => (0%nat, k)) (seq 1 (n - 1)).
Theorem star_suffices : length star = (n - 1)%nat /\ graph_connected star.
Proof. unfold star. rewrite map_length, seq_length. split; auto. intros i j Hi Hj.
  assert (E : forall v, (v < n)%nat -> v = 0%nat \/ In (0%nat, v) star).
  { intros v Hv. destruct v; auto. right. unfold star. apply in_map_iff. exists (S v). split; auto.
    apply in_seq. lia. }
  assert (From0 : forall v, (v < n)%nat -> chain (map (fun k => (0%nat, k)) (seq 1 (n - 1))) 0 v).
  { intros v Hv. destruct (E v Hv) as [->|I]; [apply here|]. eapply onward; [apply here|]. left; exact I. }
  destruct (E i Hi) as [->|I]; [apply From0; auto|].
  assert (Back : chain (map (fun k => (0%nat, k)) (seq 1 (n - 1))) i 0)
    by (eapply onward; [apply here|]; right; exact I).
  destruct (E j Hj) as [->|J]; auto. eapply onward; [exact Back|]. left; exact J. Qed.
End Graph.

(* All pairs are what the code sums, and one reference sample of error a costs the distance of a
   from the mean error more. *)
Theorem all_pairs_by_the_code N w f y conventional s : (forall i, (i < N)%nat -> 0 < w i) ->
  (0 < N)%nat ->
  (error_variance (Batch.code_moments N w f y conventional s) = 0 <-> all_agree N (fun i => f i - y i)).
Proof. intros P HN. assert (P0 : forall i, (i < N)%nat -> 0 <= w i) by (intros; left; auto).
  assert (PW : 0 < Batch.W N w) by (apply bsum_pos; auto).
  rewrite Batch.error_variance_is by auto. set (d := fun i => f i - y i). split.
  - intros E i j Hi Hj.
    pose proof (Batch.no_spread_where_weight N w P0 PW d i E Hi (P i Hi)).
    pose proof (Batch.no_spread_where_weight N w P0 PW d j E Hj (P j Hj)). lra.
  - intros A. unfold Batch.var, Batch.cov.
    rewrite (Batch.mean_ext N w _ (fun _ => 0)).
    + rewrite Batch.mean_const by auto. reflexivity.
    + intros i Hi. rewrite (Batch.mean_ext N w d (fun _ => d i)) by (intros k Hk; apply A; auto).
      rewrite Batch.mean_const by auto. ring. Qed.

Theorem one_reference_sample N w f y conventional s a : (forall i, (i < N)%nat -> 0 <= w i) ->
  0 < Batch.W N w -> let m := Batch.code_moments N w f y conventional s in
  Batch.mean N w (fun i => (f i - y i - a) ^ 2) = error_variance m + (Moments_mean_d m - a) ^ 2
  /\ error_variance m <= Batch.mean N w (fun i => (f i - y i - a) ^ 2).
Proof. intros P PW m. pose proof (pow2_ge_0 (Moments_mean_d m - a)).
  assert (E : Batch.mean N w (fun i => (f i - y i - a) ^ 2) = error_variance m + (Moments_mean_d m - a) ^ 2);
    [|split; auto; rewrite E; lra].
  unfold m. rewrite Batch.error_variance_is by auto.
  destruct (Batch.moments_are N w P PW f y conventional s) as (_ & -> & _).
  unfold Batch.var. rewrite Batch.cov_sums by auto.
  rewrite (Batch.mean_ext N w (fun i => (f i - y i - a) ^ 2)
    (fun i => (f i - y i) * (f i - y i) + ((- 2 * a) * (f i - y i) + a ^ 2))) by (intros; ring).
  rewrite !(Batch.mean_plus N w PW), (Batch.mean_scal N w PW), (Batch.mean_const N w PW). ring. Qed.
