(* Theorem 4 in both directions, for every K >= 1, on an open connected subset of any real normed
   space; for Lipschitz functions see the SymPy script. The set of points where f - Y has its value
   at one point is open and closed, so neither polygons nor several variables are needed. *)
From Coq Require Import Reals Lra Lia List Classical.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Section T4.
Context {V : NormedModule R_AbsRing}.
Variable Omega : V -> Prop.
Hypothesis Omega_open : open Omega.

(* no partition of Omega into two nonempty relatively open parts *)
Definition connected :=
  forall A B : V -> Prop, open A -> open B ->
    (forall x, Omega x -> A x \/ B x) -> (forall x, Omega x -> A x -> B x -> False) ->
    (exists x, Omega x /\ A x) -> forall x, Omega x -> A x.

(* derivative of f at x along v *)
Definition ddir (f : V -> R) (v x : V) (l : R) :=
  is_derive (fun t : R => f (plus x (scal t v))) 0 l.

(* g is the iterated derivative of f along the directions vs, everywhere on Omega:
   all partial derivatives of order (length vs) are of this form *)
Inductive iterd (f : V -> R) : list V -> (V -> R) -> Prop :=
| it_nil : iterd f nil f
| it_cons v vs h g : iterd f vs h -> (forall x, Omega x -> ddir h v x (g x)) ->
    iterd f (v :: vs) g.

Lemma line_filter (x v : V) (P : V -> Prop) :
  locally x P -> locally (0:R) (fun t : R => P (plus x (scal t v))).
Proof. intros H.
  assert (C : continuous (fun t : R_UniformSpace => plus x (scal (t:R) v)) (0:R)).
  { apply (continuous_plus (fun _ : R_UniformSpace => x) (fun t : R_UniformSpace => scal (t:R) v) (0:R)).
    apply continuous_const. apply (continuous_scal (fun t : R_UniformSpace => (t:R)) (fun _ => v) (0:R)).
    apply continuous_id. apply continuous_const. }
  unfold continuous in C.
  rewrite (scal_zero_l v : scal (0:R) v = zero), plus_zero_r in C.
  exact (C P H). Qed.

Lemma ddir_shift f g v x l c : Omega x -> (forall z, Omega z -> f z = g z + c) ->
  ddir g v x l -> ddir f v x l.
Proof. intros Hx E D. unfold ddir in *.
  apply (is_derive_ext_loc (fun t : R => g (plus x (scal t v)) + c)).
  - apply (line_filter x v (fun z => g z + c = f z)).
    apply filter_imp with Omega; [|apply Omega_open; auto]. intros z Hz. rewrite (E z Hz); auto.
  - replace l with (plus l (zero : R)) by apply Rplus_0_r.
    apply (is_derive_plus (fun t : R => g (plus x (scal t v))) (fun _ => c) 0 l zero); auto.
    apply is_derive_const. Qed.

(* differences match => derivatives of every order, in all directions, match *)
Theorem differences_to_gradients (f Y : V -> R) :
  (forall x z, Omega x -> Omega z -> f x - f z = Y x - Y z) ->
  forall vs, vs <> nil -> forall g1 g2, iterd f vs g1 -> iterd Y vs g2 ->
  forall x, Omega x -> g1 x = g2 x.
Proof. intros M vs Hn g1 g2 I1 I2 x0 Hx0.
  assert (G : forall vs g1 g2, iterd f vs g1 -> iterd Y vs g2 ->
     exists c, (vs <> nil -> c = 0) /\ forall x, Omega x -> g1 x = g2 x + c).
  2:{ destruct (G vs g1 g2 I1 I2) as [c [Hc H]]. rewrite H, Hc by auto. ring. }
  clear vs Hn g1 g2 I1 I2.
  induction vs as [|v vs IH]; intros g1 g2 I1 I2; inversion I1; inversion I2; subst.
  - exists (g1 x0 - g2 x0). split; [congruence|]. intros x Hx. generalize (M x x0 Hx Hx0). lra.
  - exists 0. split; auto. intros x Hx. rewrite Rplus_0_r.
    match goal with A : iterd f vs ?h1, B : iterd Y vs ?h2 |- _ =>
      destruct (IH h1 h2 A B) as [c [_ E]];
      match goal with D1 : forall x, Omega x -> ddir h1 v x _, D2 : forall x, Omega x -> ddir h2 v x _ |- _ =>
        pose proof (ddir_shift h1 h2 v x (g2 x) c Hx E (D2 x Hx)) as K;
        pose proof (is_derive_unique _ _ _ K) as U1; pose proof (is_derive_unique _ _ _ (D1 x Hx)) as U2
      end end. rewrite <- U1; symmetry; exact U2. Qed.

Lemma shift_point (z v : V) (t s : R) :
  plus z (scal (t + s) v) = plus (plus z (scal t v)) (scal s v).
Proof. rewrite <- plus_assoc. f_equal. apply (scal_distr_r t s v). Qed.

Lemma along_line (f : V -> R) (z v : V) (t l : R) :
  ddir f v (plus z (scal t v)) l -> is_derive (fun s : R => f (plus z (scal s v))) t l.
Proof. intros D. unfold ddir in D.
  apply (is_derive_ext (fun s : R => f (plus (plus z (scal t v)) (scal (s - t) v)))).
  { intros s. rewrite <- shift_point. do 3 f_equal. simpl. ring. }
  replace l with (scal 1 l) by (apply (scal_one l)).
  apply (is_derive_comp (fun r : R => f (plus (plus z (scal t v)) (scal r v))) (fun s : R => s - t) t l 1).
  - replace (t - t) with 0 by ring. exact D.
  - auto_derive; auto; ring. Qed.

(* equal first derivatives along one segment inside Omega => equal difference *)
Lemma segment (f Y Df DY : V -> R) (z v : V) :
  (forall t : R, 0 <= t <= 1 -> ddir f v (plus z (scal t v)) (Df (plus z (scal t v)))) ->
  (forall t : R, 0 <= t <= 1 -> ddir Y v (plus z (scal t v)) (DY (plus z (scal t v)))) ->
  (forall t : R, 0 <= t <= 1 -> Df (plus z (scal t v)) = DY (plus z (scal t v))) ->
  f (plus z v) - f z = Y (plus z v) - Y z.
Proof. intros A B E.
  set (h := fun s : R => f (plus z (scal s v)) - Y (plus z (scal s v))).
  assert (D : forall t, 0 <= t <= 1 -> is_derive h t 0).
  { intros t Ht. replace 0 with (minus (Df (plus z (scal t v))) (DY (plus z (scal t v)))).
    apply (is_derive_minus (fun s : R => f (plus z (scal s v))) (fun s : R => Y (plus z (scal s v))));
      apply along_line; auto.
    rewrite E by auto. apply Rminus_diag_eq; auto. }
  destruct (MVT_gen h 0 1 (fun _ => 0)) as [c [_ Hc]].
  - intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra. apply D; lra.
  - intros x Hx. rewrite Rmin_left, Rmax_right in Hx by lra.
    apply continuity_pt_filterlim. apply (ex_derive_continuous h). exists 0. apply D; lra.
  - unfold h in Hc.
    replace (plus z (scal (1:R) v)) with (plus z v) in Hc by (f_equal; symmetry; apply (scal_one v)).
    replace (plus z (scal (0:R) v)) with z in Hc.
    lra. rewrite (scal_zero_l v : scal (0:R) v = zero). symmetry; apply plus_zero_r. Qed.

Hypothesis Omega_connected : connected.

Theorem gradients_to_differences (f Y : V -> R) (Df DY : V -> V -> R) :
  (forall x v, Omega x -> ddir f v x (Df v x)) ->
  (forall x v, Omega x -> ddir Y v x (DY v x)) ->
  (forall x v, Omega x -> Df v x = DY v x) ->
  forall x z, Omega x -> Omega z -> f x - f z = Y x - Y z.
Proof. intros HD HY E x z Hx Hz.
  set (h := fun u => f u - Y u).
  (* every point of Omega has a neighbourhood within Omega on which h is constant *)
  assert (L : forall u, Omega u -> locally u (fun w => Omega w /\ h w = h u)).
  { intros u Hu. destruct (locally_norm_le_locally u Omega (Omega_open u Hu)) as [e He].
    apply locally_le_locally_norm. exists e. intros w Hw.
    split; [apply He; auto|].
    assert (Seg : forall t : R, 0 <= t <= 1 -> Omega (plus u (scal t (minus w u)))).
    { intros t Ht. apply He. unfold ball_norm, minus in *.
      replace (plus (plus u (scal t (plus w (opp u)))) (opp u)) with (scal t (plus w (opp u))).
      apply Rle_lt_trans with (Rabs t * norm (plus w (opp u))). apply (norm_scal t).
      rewrite Rabs_right by lra. apply Rle_lt_trans with (1 * norm (plus w (opp u))); [|lra].
      apply Rmult_le_compat_r. apply norm_ge_0. lra.
      rewrite (plus_comm u), <- plus_assoc, plus_opp_r, plus_zero_r. auto. }
    assert (K := segment f Y (Df (minus w u)) (DY (minus w u)) u (minus w u)
       (fun t Ht => HD _ _ (Seg t Ht)) (fun t Ht => HY _ _ (Seg t Ht)) (fun t Ht => E _ _ (Seg t Ht))).
    replace (plus u (minus w u)) with w in K.
    unfold h. lra.
    unfold minus. rewrite (plus_comm w), plus_assoc, plus_opp_r, plus_zero_l. auto. }
  assert (H : h x = h z).
  { destruct (Omega_connected (fun u => Omega u /\ h u = h z) (fun u => Omega u /\ h u <> h z)) with x
      as [_ K]; auto.
    - intros u [Hu Eu]. apply filter_imp with (2 := L u Hu). intros w [Hw Ew]. split; auto. congruence.
    - intros u [Hu Eu]. apply filter_imp with (2 := L u Hu). intros w [Hw Ew]. split; auto. congruence.
    - intros u Hu. destruct (Req_EM_T (h u) (h z)); auto.
    - intros u _ [_ A] [_ B]. auto.
    - exists z. auto. }
  unfold h in H. lra. Qed.

(* Two points of Omega are joined by finitely many segments within it. *)
Definition within (x z : V) := forall t : R, 0 <= t <= 1 -> Omega (plus x (scal t (minus z x))).
Inductive polygon (x : V) : V -> Prop :=
| corner_first : polygon x x
| corner_next y z : polygon x y -> within y z \/ within z y -> polygon x z.

Theorem polygonal_connectedness x z : Omega x -> Omega z -> polygon x z.
Proof. intros Hx Hz.
  assert (Near : forall u, Omega u -> locally u (fun w => Omega w /\ within u w)).
  { intros u Hu. destruct (locally_norm_le_locally u Omega (Omega_open u Hu)) as [e He].
    apply locally_le_locally_norm. exists e. intros w Hw. split; [apply He; auto|].
    intros t Ht. apply He. unfold ball_norm, minus in *.
    replace (plus (plus u (scal t (plus w (opp u)))) (opp u)) with (scal t (plus w (opp u))).
    apply Rle_lt_trans with (Rabs t * norm (plus w (opp u))). apply (norm_scal t).
    rewrite Rabs_right by lra. apply Rle_lt_trans with (1 * norm (plus w (opp u))); [|lra].
    apply Rmult_le_compat_r. apply norm_ge_0. lra.
    rewrite (plus_comm u), <- plus_assoc, plus_opp_r, plus_zero_r. auto. }
  apply (Omega_connected (fun u => Omega u /\ polygon x u) (fun u => Omega u /\ ~ polygon x u)); auto.
  - intros u [Hu Pu]. apply filter_imp with (2 := Near u Hu). intros w [Hw Sw]. split; auto.
    eapply corner_next; eauto.
  - intros u [Hu Pu]. apply filter_imp with (2 := Near u Hu). intros w [Hw Sw]. split; auto.
    intros Pw. apply Pu. eapply corner_next; eauto.
  - intros u Hu. destruct (classic (polygon x u)); auto.
  - intros u _ [_ P] [_ Q]. auto.
  - exists x. split; auto. split; auto. apply corner_first. Qed.

(* Theorem 4, all K >= 1 *)
Theorem theorem_4 (K : nat) (f Y : V -> R) (Df DY : V -> V -> R) : (1 <= K)%nat ->
  (forall x v, Omega x -> ddir f v x (Df v x)) ->
  (forall x v, Omega x -> ddir Y v x (DY v x)) ->
  (forall x z, Omega x -> Omega z -> f x - f z = Y x - Y z) <->
  (forall vs, (1 <= length vs <= K)%nat -> forall g1 g2, iterd f vs g1 -> iterd Y vs g2 ->
     forall x, Omega x -> g1 x = g2 x).
Proof. intros HK HD HY. split.
  - intros M vs Hvs g1 g2 I1 I2. apply (differences_to_gradients f Y M vs); auto.
    intros ->. simpl in Hvs. lia.
  - intros G. apply (gradients_to_differences f Y Df DY HD HY).
    intros x v Hx. apply (G (v :: nil)) with (x := x); simpl; auto; try lia;
      eapply it_cons; try apply it_nil; auto. Qed.

(* The corollary with a scale: the direction, any magnitude. *)
Lemma ddir_scal (c : R) (f : V -> R) (v x : V) (l : R) : ddir f v x l -> ddir (fun z => c * f z) v x (c * l).
Proof. intros D. unfold ddir in *. apply is_derive_scal. exact D. Qed.
Theorem theorem_4_scaled (c : R) (f Y : V -> R) (Df DY : V -> V -> R) :
  (forall x v, Omega x -> ddir f v x (Df v x)) ->
  (forall x v, Omega x -> ddir Y v x (DY v x)) ->
  (forall x z, Omega x -> Omega z -> f x - f z = c * (Y x - Y z)) <->
  (forall x v, Omega x -> Df v x = c * DY v x).
Proof. intros HD HY. split.
  - intros M x v Hx.
    assert (G : Df v x = (fun u => c * DY v u) x).
    { apply (differences_to_gradients f (fun z => c * Y z)
        ltac:(intros; rewrite M; auto; ring) (v :: nil) ltac:(discriminate) (Df v) (fun u => c * DY v u)); auto.
      eapply it_cons. apply it_nil. auto.
      eapply it_cons. apply it_nil. intros. apply ddir_scal; auto. }
    exact G.
  - intros G x z Hx Hz.
    replace (c * (Y x - Y z)) with (c * Y x - c * Y z) by ring.
    apply (gradients_to_differences f (fun u => c * Y u) Df (fun v u => c * DY v u)); auto.
    intros. apply ddir_scal; auto. Qed.

(* Frechet differentiable => derivatives along every direction, with the differential's values *)
Lemma frechet_ddir (f : V -> R) (x : V) (l : V -> R) :
  filterdiff f (locally x) l -> forall v, ddir f v x (l v).
Proof. intros H v. unfold ddir, is_derive.
  assert (Z : plus x (scal (0:R) v) = x)
    by (rewrite (scal_zero_l v : scal (0:R) v = zero); apply plus_zero_r).
  assert (Lin : is_linear l) by apply H.
  apply (filterdiff_ext_lin (fun t : R => f (plus x (scal t v))) (fun t : R => l (plus zero (scal t v)))).
  - apply (filterdiff_comp' (fun t : R => plus x (scal t v)) f 0 (fun t : R => plus zero (scal t v)) l).
    + apply (filterdiff_plus_fct (F := locally 0) (fun _ : R => x) (fun t : R => scal t v)
         (fun _ => zero) (fun t : R => scal t v)).
      apply filterdiff_const. apply (filterdiff_linear (fun t : R_NormedModule => scal (t:R) v)). apply (is_linear_scal_l (K := R_AbsRing) (V := V) v).
    + rewrite Z. exact H.
  - intros t. rewrite plus_zero_l. apply (linear_scal l Lin t v). Qed.
End T4.
